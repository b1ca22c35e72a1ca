"""The JSON Schemas: committed as generated, valid themselves, and true of every shipped document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edgewright.load.yaml12 import parse
from edgewright.spec.schemas import DIALECT, file_name, schema_bytes, schema_of
from edgewright.spec.versions import SERVED, kinds_of

_ROOT = Path(__file__).parents[3]
_DOCUMENTS = sorted(
    [
        *_ROOT.glob("blueprints/examples/*/*.yaml"),
        *_ROOT.glob("blueprints/policies/*.yaml"),
        *_ROOT.glob("targets/profiles/*.yaml"),
        *_ROOT.glob("tests/golden/bad/base/*.yaml"),
    ]
)


def _value(path: Path) -> Any:
    parsed, problems = parse(path.read_bytes(), path.name)
    assert problems == []
    assert parsed is not None
    return parsed.value


_KINDS = [(kind, version) for version in SERVED for kind in sorted(kinds_of(version))]


@pytest.mark.parametrize(("kind", "version"), _KINDS)
def test_committed_schema_is_the_generated_one(kind: str, version: str) -> None:
    committed = (_ROOT / "blueprints" / "schema" / file_name(kind, version)).read_bytes()
    told = "run: edgewright schema --write blueprints/schema" if version == SERVED[0] else "an old version is frozen"
    assert committed == schema_bytes(kind, version), told


def test_schema_of_targets_lies_beside_the_profiles() -> None:
    for version in SERVED:
        committed = (_ROOT / "targets" / "schema" / file_name("Target", version)).read_bytes()
        assert committed == schema_bytes("Target", version)


@pytest.mark.parametrize(("kind", "version"), _KINDS)
def test_schema_is_a_schema(kind: str, version: str) -> None:
    schema = schema_of(kind, version)
    assert schema["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", _DOCUMENTS, ids=lambda p: str(p.relative_to(_ROOT)))
def test_shipped_document_agrees_with_its_schema(path: Path) -> None:
    value = _value(path)
    errors = jsonschema.Draft202012Validator(schema_of(value["kind"], value["apiVersion"])).iter_errors(value)
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("path", _DOCUMENTS, ids=lambda p: str(p.relative_to(_ROOT)))
def test_editors_are_pointed_to_a_schema_that_exists(path: Path) -> None:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    if first.startswith("# yaml-language-server: $schema="):
        assert (path.parent / first.split("=", 1)[1]).resolve().is_file()


def test_schema_refuses_unknown_keys() -> None:
    value = _value(_ROOT / "tests/golden/bad/base/fleet.yaml")
    value["spec"]["device"] = []
    assert list(jsonschema.Draft202012Validator(schema_of("Fleet")).iter_errors(value))


def test_defaults_with_a_unit_are_written_as_text() -> None:
    rollout = schema_of("Blueprint")["$defs"]["RolloutSpec"]["properties"]
    assert rollout["soak"]["default"] == "10m"
    assert rollout["failureBudget"]["default"] == "5%"
    assert rollout["confirmTimeout"]["default"] == "5m"
