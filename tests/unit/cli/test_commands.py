"""The small commands: targets, schema, explain, doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgewright.cli.main import run
from edgewright.spec.v1beta1.documents import KINDS

_ROOT = Path(__file__).parents[3]


def _run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(arguments) == 0
    return capsys.readouterr().out


def test_targets_are_listed_and_shown_with_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert "riscv64-rvv" in _run("targets", capsys=capsys)
    shown = _run("targets", "raspberry-pi-5-8g", capsys=capsys)
    assert "11.8 GB/s" in shown
    assert "measured: memchr" in shown
    found = json.loads(_run("targets", "raspberry-pi-5-8g", "-o", "json", capsys=capsys))
    assert found["raspberry-pi-5-8g"]["memoryBandwidth"] == 11.8


def test_targets_of_a_repository_are_listed_too(capsys: pytest.CaptureFixture[str]) -> None:
    folder = _ROOT / "tests" / "golden" / "bad" / "target-too-small"
    assert "kiosk" in _run("targets", "--repository", str(folder), capsys=capsys)


def test_unknown_target_is_a_usage_error_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["targets", "rasberry-pi-5-8g"]) == 2
    assert "did you mean 'raspberry-pi-5-8g'?" in capsys.readouterr().err


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_schema_is_printed(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(_run("schema", kind, capsys=capsys))["$id"].endswith(f"{kind.lower()}.v1beta1.json")


def test_schemas_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run("schema", "--write", str(tmp_path), capsys=capsys)
    assert len(list(tmp_path.iterdir())) == len(KINDS)


def test_schema_without_a_kind_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 2
    assert "Blueprint" in capsys.readouterr().err


def test_explain_prints_the_page_or_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("explain", "yaml-alias", capsys=capsys).startswith("# yaml-alias")
    assert "\ntarget-memory  " in _run("explain", capsys=capsys)


def test_doctor_names_every_plugin_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(tmp_path / "cache"))
    found = json.loads(_run("doctor", "-o", "json", capsys=capsys))
    assert {"onnxruntime", "onnxruntime-genai", "tvm"} <= found["plugins"]["backends"].keys()
    assert {"directory", "wheel", "huggingface", "https"} <= found["plugins"]["sources"].keys()
    assert set(found["plugins"]["backends"].values()) == {"ok"}
    assert not (tmp_path / "cache").exists()
