"""Documents in an older version: loaded as the newest, wrong ones told about in their own words, at their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from tests.unit.spec.test_conversion import DOCUMENTS

from edgewright.load.conversion import changed, to_newest
from edgewright.load.documents import load_repository
from edgewright.load.yaml12 import Parsed, parse
from edgewright.spec.changes import Dropped, Renamed, Replaced

_FLEET = """apiVersion: edgewright/v1alpha1
kind: Fleet
metadata: {name: shops}
spec:
  devices:
    - name: one
      target: x86-64-v3
      port: 9000
"""


def _parsed(text: str) -> Parsed:
    parsed, problems = parse(text.encode(), "a.yaml")
    assert parsed is not None
    assert problems == []
    return parsed


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(_paths(item, (*path, key)) for key, item in entries))


def test_older_document_loads_as_the_newest_with_its_own_places(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(_FLEET)
    loaded = load_repository(tmp_path).fleets["shops"]
    assert loaded.document.spec.devices is not None
    assert loaded.document.spec.devices[0].port == 9000
    assert (loaded.version, loaded.document.api_version) == ("edgewright/v1alpha1", "edgewright/v1beta1")
    assert str(loaded.spans.span(("spec", "devices", 0, "servicePort"))) == "fleet.yaml:8:13"
    assert str(loaded.spans.key_span(("spec", "devices", 0, "servicePort"))) == "fleet.yaml:8:7"


def test_wrong_older_document_is_told_about_in_its_own_words(tmp_path: Path) -> None:
    text = _FLEET.replace("port: 9000", "servicePort: 9000\n      supervisr: x")
    (tmp_path / "fleet.yaml").write_text(text)
    repository = load_repository(tmp_path, keep_problems=True)
    assert [p.message for p in repository.problems] == [
        "'servicePort' is not a key of spec.devices[0]",
        "'supervisr' is not a key of spec.devices[0]",
    ]
    assert ("Fleet", "shops") in repository.broken


def test_words_of_the_older_version_are_wrong_in_the_newest(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text(_FLEET.replace("v1alpha1", "v1beta1"))
    problems = load_repository(tmp_path, keep_problems=True).problems
    assert [p.message for p in problems] == ["'port' is not a key of spec.devices[0]"]


def test_kind_that_an_older_version_lacks_names_the_version_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: edgewright/v1alpha1\nkind: Policy\nmetadata: {name: a}\nspec: {}\n")
    (problem,) = load_repository(tmp_path, keep_problems=True).problems
    assert problem.message == "edgewright/v1alpha1 has no kind 'Policy'"
    assert problem.hint == "write apiVersion: edgewright/v1beta1"


def test_places_move_with_renamed_and_replaced_parts() -> None:
    parsed = _parsed("a: {b: [1, 2]}\nc: 3\nd: {e: 4}\nf: {g: 5}\n")
    new = changed(
        parsed, [Renamed(("a",), "x"), Replaced(("c",), {"y": [1]}), Dropped(("d", "e")), Replaced(("f",), 6)]
    )
    assert new.value == {"x": {"b": [1, 2]}, "c": {"y": [1]}, "d": {}, "f": 6}
    assert new.spans.values.keys() == _paths(new.value)
    assert new.spans.values["x", "b", 1] == parsed.spans.values["a", "b", 1]
    assert new.spans.values["c", "y", 0] == parsed.spans.values["c",]


@given(DOCUMENTS)
def test_every_part_of_a_converted_document_has_a_place_in_its_text(document: dict[str, Any]) -> None:
    parsed = _parsed(yaml.safe_dump(document))
    new = to_newest(parsed, document["kind"], document["apiVersion"])
    assert new.spans.values.keys() == _paths(new.value)
    assert set(new.spans.values.values()) <= set(parsed.spans.values.values())
