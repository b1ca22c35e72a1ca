"""The contract of sources and of the importer."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from tests.contract.documents import REGISTRY
from tests.contract.steps import assert_step_keeps_the_contract

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.plugins.protocols import Importer, Source
from edgewright.spec.v1beta1 import blueprint


def types_in_the_language() -> set[str]:
    """The `type` of every member of the blueprint's source union."""
    union: Any = get_args(blueprint.Source)[0]
    members: tuple[type[BaseModel], ...] = get_args(union)
    return {get_args(member.model_fields["type"].annotation)[0] for member in members}


def test_every_source_of_the_language_has_a_plugin_and_the_other_way_round() -> None:
    assert set(REGISTRY.names("sources")) == types_in_the_language()


@pytest.mark.parametrize("name", REGISTRY.names("sources"))
def test_a_source_satisfies_the_protocol(name: str) -> None:
    assert isinstance(REGISTRY.source(name), Source)


def test_an_unknown_plugin_is_refused_with_a_suggestion() -> None:
    for group, wrong, right in (("sources", "wheels", "wheel"), ("backends", "onnx-runtime", "onnxruntime")):
        with pytest.raises(EdgewrightError) as caught:
            REGISTRY.load(group, wrong)  # type: ignore[arg-type]
        (told,) = caught.value.diagnostics
        assert right in (told.hint or "")


def test_the_importer_keeps_the_contract_of_workers() -> None:
    importer = REGISTRY.importer()
    assert isinstance(importer, Importer)
    for task in ("text-generation", "embeddings"):
        step = importer.step(task, None, 512)
        assert set(step.inputs.values()) == {"source"}
        assert_step_keeps_the_contract(step)


def test_the_importer_refuses_a_pickle_without_its_worker(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(pickle.dumps({"weight": [0.0]}))
    for file in (None, "model.safetensors"):
        refusal = REGISTRY.importer().inspect(tmp_path, file)
        assert refusal is not None
        assert refusal.message


def test_importing_is_pure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = REGISTRY.importer().step("embeddings", None, 512)
    monkeypatch.chdir(tmp_path)
    assert REGISTRY.importer().step("embeddings", None, 512) == before
