"""One change, drawn in every form; the texts are golden files (`--update-golden`)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from edgewright.cli.output.plan_markdown import render_markdown
from edgewright.cli.output.plan_text import print_change
from edgewright.plan.change import (
    Artifact,
    BlueprintChange,
    Bounds,
    ChangeClass,
    ChangePlan,
    CohortChange,
    DeviceCounts,
    Duration,
    Figure,
    NextStep,
    Revision,
    Totals,
    Wire,
)
from edgewright.plan.numbers import Number
from edgewright.plan.reach import DeviceSamples, Sample, Share, WaveForecast

_GOLDEN = Path(__file__).parent / "golden"
NOBODY = Sample((), 0)


def _number(value: float, unit: str = "B", kind: str = "estimated", origin: str = "formula") -> Number:
    return Number(value, unit, "measured" if kind == "measured" else "estimated", origin)


def _at_most(value: float) -> Bounds:
    return Bounds(None, Number(value, "B", "declared", "spec.gates"))


def _at_least(value: float) -> Bounds:
    return Bounds(Number(value, "tokens/s", "declared", "spec.gates"), None)


def _weights() -> BlueprintChange:
    cpu = "on Example CPU, 2026-03-01, n = 20"
    figures = (
        Figure("artifact_size", _number(155e6, kind="measured"), _number(151e6), _at_most(2e8), _at_most(1.6e8)),
        Figure("decode_rate", _number(31.25, "tokens/s", "measured", cpu), None, *(_at_least(20.0),) * 2),
        Figure("kl_divergence_mean", _number(0.0132, "", "measured", cpu), None),
    )
    cohort = CohortChange(
        "raspberry-pi-5-8g",
        (ChangeClass.WEIGHTS, ChangeClass.VERSION),
        Artifact("onnxruntime-genai", "int8", "sha256:" + "a" * 64, None),
        Artifact("onnxruntime-genai", "int8", "sha256:" + "b" * 64, None),
        figures,
        Wire(_number(151e6), _number(190e6), _number(302e6)),
        _number(-5e6),
        DeviceCounts(3, 1, 0, 0, 0, 3),
    )
    waves = (
        WaveForecast("01-canary", 1, (Share("raspberry-pi-5-8g", 1),), 1),
        WaveForecast("02-100-percent", 2, (Share("raspberry-pi-5-8g", 2),), 2),
    )
    return BlueprintChange(
        "store-assistant",
        ("production",),
        (ChangeClass.WEIGHTS, ChangeClass.VERSION),
        "1.0.0",
        "1.1.0",
        NextStep.RELEASE,
        "shops",
        (cohort,),
        1,
        3,
        DeviceSamples(Sample(("new-shop",), 1), NOBODY, NOBODY, NOBODY),
        waves,
        (Share("harbour", 2), Share("hill", 1)),
        2,
        _number(302e6, origin="sum over 1 targets"),
        Duration(624.0, 1224.0, "288.0 MiB at 100 Mbit/s (assumed) + 1 x soak 10 min 0 s"),
        ("before the change: store-assistant has no lock; what depends on it is judged by the documents",),
    )


def _fleet_only() -> BlueprintChange:
    same = Artifact("tvm", "float32", "sha256:" + "c" * 64, None)
    size = (Figure("artifact_size", _number(9e7), _number(9e7)),)
    cohort = CohortChange(
        "intel-n100",
        (ChangeClass.FLEET,),
        same,
        same,
        size,
        Wire(_number(0.0, kind="measured"), _number(9e7), _number(0.0, kind="measured")),
        _number(6e9),
        DeviceCounts(40, 0, 25, 0, 0, 0),
    )
    gone = Sample(tuple(f"till-{number:02d}" for number in range(20)), 25)
    return BlueprintChange(
        "search",
        (None, "production"),
        (ChangeClass.FLEET,),
        "2.0.0",
        "2.0.0",
        NextStep.RECONCILE,
        "tills",
        (cohort,),
        0,
        0,
        DeviceSamples(NOBODY, gone, NOBODY, NOBODY),
        (),
        (),
        0,
        None,
        None,
        (),
    )


CHANGE = ChangePlan(
    Revision("main", "1" * 40, "A fleet"),
    Revision("topic/<new>", "2" * 40, "New weights"),
    ("production",),
    (_weights(), _fleet_only()),
    Totals(4, 2),
    Totals(9, 2),
    Totals(300, 3),
    Sample(("one", "two"), 2),
    ("allowed_signers differs: who may sign for the fleet changes",),
)


def _compare(name: str, text: str, update: bool) -> None:
    path = _GOLDEN / name
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "run pytest with --update-golden and read the difference"


def test_a_change_as_the_comment_of_a_pull_request(update_golden: bool) -> None:
    _compare("change.md", render_markdown(CHANGE), update_golden)


def test_a_change_on_a_terminal(capsys: pytest.CaptureFixture[str], update_golden: bool) -> None:
    print_change(CHANGE)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    _compare("change.txt", "\n".join(lines) + "\n", update_golden)


def test_a_change_for_machines(update_golden: bool) -> None:
    _compare("change.json", json.dumps(asdict(CHANGE), indent=1) + "\n", update_golden)
