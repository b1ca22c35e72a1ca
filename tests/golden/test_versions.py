"""Every version of every kind means what it meant: documents with all their keys, and what the compiler reads in them.

What is read may gain keys, never lose one or change a value. `--update-golden` writes new cases; a change of an old one
in a diff is a break of a promise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgewright.load.documents import load_repository
from edgewright.load.drafts import read_drafts, validate
from edgewright.load.tree import find_candidates
from edgewright.spec.base import Model
from edgewright.spec.versions import NEWEST, SERVED, kinds_of, short

_FOLDER = Path(__file__).parent / "versions"
_CASES = sorted(_FOLDER.glob("*/*.yaml"))


def _read(path: Path) -> Any:
    """What the compiler works with."""
    reading = read_drafts(c for c in find_candidates(path.parent, prefix="golden/") if c.path == f"golden/{path.name}")
    assert reading.problems == []
    (draft,) = reading.drafts
    document, errors = validate(draft.parsed, kinds_of(NEWEST)[draft.kind])
    assert errors == []
    assert document is not None
    return document.model_dump(mode="json", by_alias=True, exclude_none=True)


def _is_kept(old: Any, new: Any) -> bool:
    """Tell whether all of a value is still there."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and _is_kept(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return isinstance(new, list) and len(old) == len(new) and all(map(_is_kept, old, new))
    return type(old) is type(new) and bool(old == new)


@pytest.mark.parametrize("path", _CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_document_means_what_it_meant(path: Path, update_golden: bool) -> None:
    found, golden = _read(path), path.with_suffix(".json")
    if update_golden:
        golden.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    assert _is_kept(json.loads(golden.read_text(encoding="utf-8")), found)


@pytest.mark.parametrize("name", sorted(path.name for path in (_FOLDER / "v1alpha1").glob("*.yaml")))
def test_document_means_the_same_in_every_version(name: str) -> None:
    assert _read(_FOLDER / "v1alpha1" / name) == _read(_FOLDER / "v1beta1" / name)


@pytest.mark.parametrize("version", SERVED)
def test_every_kind_of_every_version_has_a_case(version: str) -> None:
    cases = {path.stem.split("-")[0] for path in (_FOLDER / short(version)).glob("*.yaml")}
    assert cases == {kind.lower() for kind in kinds_of(version)}


@pytest.mark.parametrize("version", SERVED)
def test_cases_write_every_key(version: str) -> None:
    """So that a key which is renamed or dropped by mistake fails here."""
    texts = "".join(path.read_text(encoding="utf-8") for path in (_FOLDER / short(version)).glob("*.yaml"))
    sources = {"package", "url", "path", "folder", "sha256", "version"}  # of one source; a document has only one
    for kind, model in kinds_of(version).items():
        missing = {key for key in _keys(model) if f"{key}:" not in texts} - sources
        assert missing == set(), kind


def _keys(model: type[Model]) -> set[str]:
    schema = model.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", {})}


def test_version_is_told_by_what_was_loaded(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_bytes((_FOLDER / "v1alpha1" / "fleet.yaml").read_bytes())
    assert load_repository(tmp_path).fleets["shops"].version == "edgewright/v1alpha1"
