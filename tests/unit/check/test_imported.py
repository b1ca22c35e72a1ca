"""What a blueprint declares about its model, beside what its import found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgewright.check.budget import ModelFacts
from edgewright.check.imported import wrong_facts
from edgewright.load.documents import Loaded, load_repository
from edgewright.spec.v1beta1.blueprint import Blueprint

_ROOT = Path(__file__).parents[3]


def _blueprint(example: str) -> Loaded[Blueprint]:
    (found,) = load_repository(_ROOT / "blueprints" / "examples" / example).blueprints.values()
    return found


def _imported(loaded: Loaded[Blueprint]) -> ModelFacts:
    assert loaded.document.spec.model.facts is not None
    return replace(ModelFacts.from_declared(loaded.document.spec.model.facts), origin="imported")


def test_facts_of_the_imported_model_are_right() -> None:
    loaded = _blueprint("store-assistant")
    assert list(wrong_facts(loaded, _imported(loaded))) == []


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda facts: replace(facts, parameters=7), "write parameters: 7"),
        (lambda facts: replace(facts, tied_embeddings=False), "write tiedEmbeddings: false"),
    ],
)
def test_fact_that_the_import_contradicts_is_wrong_at_its_line(
    change: Callable[[ModelFacts], ModelFacts], hint: str
) -> None:
    loaded = _blueprint("store-assistant")
    (found,) = wrong_facts(loaded, change(_imported(loaded)))
    assert (found.slug, found.hint) == ("facts-wrong", hint)
    assert found.span is not None
    assert found.span.path == "blueprint.yaml"


def test_every_wrong_fact_is_told() -> None:
    loaded = _blueprint("store-assistant")
    assert len(list(wrong_facts(loaded, replace(_imported(loaded), layers=1, kv_heads=1)))) == 2


def test_encoder_has_no_output_matrix_to_tie() -> None:
    loaded = _blueprint("semantic-search")
    assert list(wrong_facts(loaded, replace(_imported(loaded), tied_embeddings=False))) == []
