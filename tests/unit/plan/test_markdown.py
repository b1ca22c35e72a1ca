"""The comment of a pull request: short whatever the fleet, and made of nothing that a person's text could form."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.cli.output.plan_markdown import LIMIT_CHARACTERS, MARKER, quoted, render_markdown
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

TEXT = st.text(max_size=300) | st.sampled_from(["<img onerror=x>", "@everyone", "a|b`c`\n</details>", "#1", "www.x.y"])
COUNT = st.integers(0, 100_000)
_MARKUP = re.compile(r"</?(?:details|summary|code)>|<!-- edgewright plan -->")
_ENTITY = re.compile(r"&#[0-9]+;")


def _number(value: float = 3e8, origin: str = "formula") -> Number:
    return Number(value, "B", "estimated", origin)


def _cohort(target: str, figures: int = 5) -> CohortChange:
    gates = (Bounds(None, _number()), Bounds(_number(), _number()))
    numbers = tuple(Figure(f"{target}-{index}", _number(), _number(origin=target), *gates) for index in range(figures))
    return CohortChange(
        target,
        (ChangeClass.WEIGHTS, ChangeClass.RECIPE),
        Artifact("tvm", target, "sha256:" + "0" * 64, None),
        Artifact("tvm", target, None, target),
        numbers,
        Wire(_number(), _number(), _number()),
        _number(-5.0),
        DeviceCounts(100, 1, 2, 3, 4, 100),
    )


def _blueprint(name: str, cohorts: int, waves: int, devices: int) -> BlueprintChange:
    sample = Sample((name,) * min(devices, 20), devices)
    sites = tuple(Share(f"{name}-{index}", 5) for index in range(20))
    forecast = WaveForecast(name, devices, tuple(Share(f"t{index}", 1) for index in range(cohorts)), 40)
    return BlueprintChange(
        name,
        (None, name),
        (ChangeClass.WEIGHTS,),
        "1.0.0",
        name,
        NextStep.RAISE_VERSION,
        name,
        tuple(_cohort(f"{name}-{index}") for index in range(cohorts)),
        3,
        devices,
        DeviceSamples(sample, sample, sample, sample),
        (forecast,) * waves,
        sites,
        1000,
        _number(),
        Duration(60.0, 9e6, name),
        (name,) * 3,
    )


def _plan(blueprints: list[BlueprintChange], text: str, devices: int) -> ChangePlan:
    return ChangePlan(
        Revision(text, "a" * 40, text),
        Revision(text, None, text),
        (text, "production"),
        tuple(blueprints),
        Totals(len(blueprints) + 5, len(blueprints)),
        Totals(9, 5),
        Totals(devices, devices),
        Sample((text,) * 20, 5000),
        (text,) * 40,
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXT, st.integers(0, 70), st.integers(0, 32), COUNT), max_size=12), TEXT, COUNT)
def test_a_comment_is_short_and_whole_and_says_nothing_in_a_persons_words(
    found: list[tuple[str, int, int, int]], text: str, devices: int
) -> None:
    plan = _plan([_blueprint(*item) for item in found], text, devices)
    comment = render_markdown(plan)
    assert comment == render_markdown(plan)
    assert comment.startswith(MARKER)
    assert len(comment) <= LIMIT_CHARACTERS
    for tag in ("details", "summary", "code"):
        assert comment.count(f"<{tag}>") == comment.count(f"</{tag}>")
    outside = _ENTITY.sub("", _MARKUP.sub("", comment))
    assert not set("<>@`#&[]!\\") & set(outside)
    for line in comment.splitlines():
        if line.startswith("|"):
            assert line.endswith(" |")


def test_a_thousand_blueprints_over_a_hundred_thousand_devices_fit() -> None:
    blueprints = [_blueprint(f"assistant-{index:04d}", 5, 5, 100_000) for index in range(1000)]
    comment = render_markdown(_plan(blueprints, "x" * 300, 100_000))
    assert len(comment) <= LIMIT_CHARACTERS
    assert "**edgewright plan**: 1,000 blueprints change, 100,000 of 100,000 devices get work" in comment
    assert re.search(r"\n… and 9[0-9]{2} more blueprints\n", comment)
    assert comment.index("<details>") < 12_000


def test_the_largest_possible_section_is_left_out_whole() -> None:
    comment = render_markdown(_plan([_blueprint("<" * 300, 70, 32, 100_000)] * 3, "<" * 300, 1))
    assert len(comment) <= LIMIT_CHARACTERS
    assert comment.count("<details>") == comment.count("</details>")
    assert "more blueprint" in comment


def test_quoted_text_keeps_numbers_readable_and_nothing_else_special() -> None:
    assert quoted("1.4.0, 2 x 3.5 MiB") == "<code>1.4.0, 2 x 3.5 MiB</code>"
    assert quoted("a.b@c|d\n`") == "<code>a&#46;b&#64;c&#124;d&#65533;&#96;</code>"
    assert quoted("") == ""
    assert len(quoted("<" * 10_000)) < 1000


def test_nothing_to_do_is_one_line() -> None:
    plan: Any = _plan([], "main", 7)
    assert "**edgewright plan**: nothing changes for any device" in render_markdown(plan)
