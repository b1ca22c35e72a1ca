"""Expressions of policies: what they are, what is wrong with them and where, and that none can run long."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.check.policies.cel import Compiled, compile_expression
from edgewright.check.policies.columns import place_of
from edgewright.check.policies.facts import EACH, VARIABLES, shapes
from edgewright.check.policies.shapes import shape_of
from edgewright.check.policies.syntax import decode
from edgewright.check.policies.typing import FUNCTIONS
from edgewright.load.yaml12 import parse

_VARIABLES = shapes("target")
_TARGET = {"name": "till", "labels": {"region": "eu"}, "power": 12.5, "cores": 4, "architecture": "aarch64"}


def problems(text: str, kind: str = "truth") -> list[tuple[int, str]]:
    found = compile_expression(text, _VARIABLES, kind)
    return [] if isinstance(found, Compiled) else [(problem.offset, problem.message) for problem in found]


def evaluated(text: str, **values: object) -> tuple[object, str | None]:
    found = compile_expression(text, _VARIABLES, "truth")
    assert isinstance(found, Compiled), found
    return found.evaluate(values)


@pytest.mark.parametrize(
    "text",
    [
        "target.power <= 15",
        "target.power <= 15.0 && target.cores > 2",
        "has(target.labels.region) && target.labels.region == 'eu'",
        "'region' in target.labels && target.labels['region'].startsWith('e')",
        "target.architecture in ['aarch64', 'x86_64']",
        "targets.exists(t, t.name == target.name) || size(targets) > 1",
        "targets.filter(t, t.power > 5).map(t, t.name).exists(n, n == 'till')",
        "(target.cores > 2 ? 'many' : 'few') == 'many'",
        "blueprint.spec.model.source.type != 'huggingface'",
        "blueprint.spec.service.address.matches('^127[.]')",
        "today < '2027-01-01' && environment == ''",
        "targets\n  .all(t,\n    t.cores >= 1)",
    ],
)
def test_a_right_expression_compiles(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("target.powr <= 15", 7, "target has no 'powr'"),
        ("targets.all(t, t.powr <= 15)", 17, "t has no 'powr'"),
        ("tragets.size() > 1", 0, "there is no 'tragets'"),
        ("foo.bar == 1", 0, "there is no 'foo'"),
        ("target.power == 'a'", 13, "== is between a number and text"),
        ("target.power", 0, "the expression gives a number, true or false is needed"),
        ("target.name && true", 6, "&& needs true or false, target.name is text"),
        ("blueprint.spec.model.source.type == 'hugginface'", 36, "'hugginface' is never the case here"),
        ("target.architecture in ['arm64']", 24, "'arm64' is never the case here"),
        ("blueprint.spec.rollout.waves.all(w, w == 1)", 36, "w is a value of several types"),
        ("targets == targets", 8, "== is between a list and a list"),
        ("size(targets + targets) > 1", 13, "+ is between a list and a list"),
        ("dyn(target.name) == 1", 3, "dyn is no function of a rule"),
        ("{'a': 1}.a == 1", 0, "a rule makes no mappings"),
        ("target.name == null", 15, "null has no place in a rule"),
        ("target.name.region == 'a'", 11, "target.name is text, it has no 'region'"),
        ("target.power >", 14, "syntax error"),
        ("targets.all(a, targets.all(b, targets.all(c, a.cores > b.cores)))", 0, "loops are nested 3 deep, 2 allowed"),
        ("targets.all(t, t.name.matches('a'))", 29, "a pattern is matched in a loop"),
        ("target.name.matches(target.name)", 26, "a pattern is written out"),
        ("target.name.matches('a{1000}')", 20, "{ makes a pattern large"),
        (f"target.name.matches('{'a' * 101}')", 20, "a pattern has 101 characters, 100 allowed"),
        (" && ".join(["target.name.matches('a')"] * 5), None, "5 patterns are matched, 4 allowed"),
        ("(" * 60 + "true" + ")" * 60, None, "nested too deep"),
    ],
)
def test_a_wrong_expression_is_pointed_at(text: str, offset: int | None, message: str) -> None:
    found = problems(text)
    assert any(message in said and offset in (None, at) for at, said in found), found


def test_a_misspelt_member_names_the_closest_one() -> None:
    found = compile_expression("target.powr < 1.0", _VARIABLES, "truth")
    assert isinstance(found, list)
    assert found[0].hint == "did you mean 'power'?"


def test_what_is_read_is_known_without_the_names_of_loops() -> None:
    found = compile_expression("targets.all(t, t.cores > 1) && model.source.type != 'wheel'", _VARIABLES, "truth")
    assert isinstance(found, Compiled)
    assert found.variables == {"targets", "model"}
    assert ("model", "source", "type") in found.reads


def test_absent_members_break_a_rule_instead_of_keeping_it() -> None:
    kept, reason = evaluated("target.labels.region != 'us'", target={"labels": {}})
    assert kept is None
    assert reason == "region is absent; ask has(…) first"
    assert evaluated("!has(target.labels.region)", target={"labels": {}}) == (True, None)


_GROUPS = [
    {"target": "t", "site": f"site-{n}", "labels": {"region": f"r{n}", "shop": "s"}, "devices": 3} for n in range(1000)
]


@pytest.mark.parametrize(
    "text",
    [
        "fleet.groups.all(g, fleet.groups.all(h, g.site != 'x'))",
        "fleet.groups.map(g, fleet.groups.map(h, g.site + h.site)).size() > 1",
        f"[{','.join(['1'] * 900)}].all(x, [{','.join(['1'] * 90)}].all(y, x == y))",
        f"fleet.groups.all(g, [{','.join(['1'] * 9)}].all(x, x in [{','.join(['2'] * 700)}] || g.site != ''))",
        f"fleet.groups.exists(g, g.labels.exists(k, {' || '.join(['k == g.site'] * 24)}))",
    ],
)
def test_a_hostile_expression_ends_soon(text: str) -> None:
    found = compile_expression(text, _VARIABLES, "truth")
    assert isinstance(found, Compiled), found
    started = time.process_time()
    value, reason = found.evaluate({"fleet": {"groups": _GROUPS}})
    assert time.process_time() - started < 5  # a bound on hanging, not a measurement
    assert value is not None or "10,000 steps" in str(reason)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"(target|targets|\.|\(|\)|all|t,|==|'a'|&&|\[|\]|[0-9]|!| ){1,20}"))
def test_no_text_breaks_the_compiler(text: str) -> None:
    found = compile_expression(text, _VARIABLES, "truth")
    assert isinstance(found, Compiled) or found


@given(st.binary(max_size=80))
def test_bytes_that_are_no_expression_are_no_tree(data: bytes) -> None:
    with contextlib.suppress(IndexError, ValueError, RecursionError):
        decode(data)


@pytest.mark.parametrize(
    "source",
    [
        "e: a.b == 1 && X.c\n",
        "e: 'a ''q'' && X'\n",
        'e: "a \\"q\\" \\u00fc && X"\n',
        "e: |\n    a.b\n      == 1\n\n    && X.c\n",
        "e: |-\n\n  a &&\n  X\n",
        "e: >-\n  a &&\n  X.c ==\n  1\n",
        "e: a &&\n   b && \n   X\n",
        'e: "a\n  b \\\n  && X"\n',
        'e: "a \\n X"\n',
        "e: 'ünï X'\n",
        "# one\ne:   \n    a && X\n",
    ],
)
def test_a_character_of_a_scalar_has_its_place_in_the_file(source: str) -> None:
    parsed, _ = parse(source.encode(), "policy.yaml")
    assert parsed is not None
    text = parsed.value["e"]
    place = place_of(source, parsed.spans.span(("e",)), text, text.index("X"))
    assert source.split("\n")[place.line - 1][place.column - 1] == "X"


@given(st.text(alphabet="ab '\"&\n", min_size=1, max_size=20).filter(lambda t: t.strip() != ""), st.data())
def test_places_are_found_in_double_quotes_whatever_the_text(text: str, data: st.DataObject) -> None:
    source = "e: " + '"' + text.replace('"', '\\"').replace("\n", "\\n") + '"\n'
    parsed, _ = parse(source.encode(), "policy.yaml")
    assert parsed is not None
    assert parsed.value["e"] == text
    offset = data.draw(st.integers(0, len(text) - 1))
    place = place_of(source, parsed.spans.span(("e",)), text, offset)
    expected = {'"': "\\", "\n": "\\"}.get(text[offset], text[offset])
    assert source.split("\n")[place.line - 1][place.column - 1] == expected


def test_the_page_lists_every_variable_member_and_function() -> None:
    page = (Path(__file__).parents[3] / "docs" / "policies.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[A-Za-z_]+", " ".join(re.findall(r"`([^`]*)`", page))))
    for name, kind in {**VARIABLES, **EACH}.items():
        shape = shape_of(kind)
        members = (shape.element or shape).members if name != "blueprint" else {}
        assert {name, *members} - words == set(), name
    assert set(FUNCTIONS) - words == set()
