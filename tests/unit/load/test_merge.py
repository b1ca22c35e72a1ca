"""Merging, whatever overlays say: no order of files matters, and every value that comes out has a place."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.load.overlay_repository import BLUEPRINT, FLEET, overlay

from edgewright.load.applied import apply
from edgewright.load.drafts import Draft, read_drafts
from edgewright.load.overlays import split
from edgewright.load.tree import Candidate

_SERVICE: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["port", "threads", "address"]), st.none() | st.integers(1, 3) | st.just({}), max_size=3
)
_GATES = st.lists(
    st.fixed_dictionaries(
        {"metric": st.sampled_from(["cosine_min", "peak_memory"])},
        optional={"min": st.integers(0, 1), "max": st.integers(1, 2), "where": st.sampled_from(["build", "device"])},
    ),
    max_size=3,
)
_SOURCE = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["wheel", "directory"]), "path": st.just("m"), "version": st.just("2.0.0")}
)
_BUILDS = st.lists(
    st.fixed_dictionaries(
        {"backend": st.sampled_from(["onnxruntime", "tvm", "other"])},
        optional={"targets": st.just(["intel-n100"]), "sequenceLengths": st.just([32])},
    ),
    max_size=2,
)
_SPECS = st.fixed_dictionaries(
    {},
    optional={
        "service": st.none() | _SERVICE,
        "gates": st.none() | _GATES,
        "model": st.fixed_dictionaries({}, optional={"context": st.integers(16, 18), "source": _SOURCE}),
        "builds": _BUILDS,
        "rollout": st.fixed_dictionaries({}, optional={"waves": st.lists(st.just("100%"), max_size=2)}),
    },
).filter(bool)


def _drafts(specs: list[dict[str, Any]]) -> list[Draft]:
    texts = {"blueprint.yaml": BLUEPRINT, "fleet.yaml": FLEET}
    for index, spec in enumerate(specs):
        body = json.dumps([{"kind": "Blueprint", "patch": {"spec": spec}}])
        texts[f"overlays/live/{index}.yaml"] = overlay(f"patches: {body}")
    reading = read_drafts(Candidate(p, t.encode(), len(t.encode()), is_document=True) for p, t in texts.items())
    assert reading.problems == []
    return reading.drafts


def _merged(specs: list[dict[str, Any]]) -> tuple[Draft, bool]:
    """The blueprint, and whether two overlays disagree about it."""
    applied = apply(split(_drafts(specs)), "live", set())
    return applied.drafts[0], any(problem.slug == "overlay-conflict" for problem in applied.problems)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(_paths(item, (*path, key)) for key, item in entries))


def _unordered(value: Any) -> Any:
    """A value in which neither the order of keys nor that of added gates and builds counts."""
    if isinstance(value, dict):
        return {key: _unordered(item) for key, item in sorted(value.items())}
    return sorted(map(repr, map(_unordered, value))) if isinstance(value, list) else value


@given(st.lists(_SPECS, min_size=1, max_size=3))
def test_order_of_files_matters_only_where_they_disagree(specs: list[dict[str, Any]]) -> None:
    forth, disagree = _merged(specs)
    back, also_disagree = _merged(specs[::-1])
    assert disagree == also_disagree
    if not disagree:
        assert _unordered(forth.parsed.value) == _unordered(back.parsed.value)


@given(st.lists(_SPECS, min_size=1, max_size=2))
def test_every_merged_value_has_the_place_where_it_is_written(specs: list[dict[str, Any]]) -> None:
    merged, _ = _merged(specs)
    plain = _drafts([])[0]
    spans = merged.parsed.spans.values
    assert _paths(merged.parsed.value) <= spans.keys()
    untouched = {path for path, span in spans.items() if span.path == "blueprint.yaml"}
    assert untouched <= plain.parsed.spans.values.keys()
    assert {span.path for span in spans.values()} <= {origin.path for origin in merged.origins}


@given(st.lists(_SPECS, min_size=1, max_size=2))
def test_merging_leaves_the_documents_themselves_alone(specs: list[dict[str, Any]]) -> None:
    drafts = _drafts(specs)
    before = json.dumps([draft.parsed.value for draft in drafts])
    overlays = split(drafts)
    apply(overlays, "live", set())
    assert json.dumps([draft.parsed.value for draft in drafts]) == before
    assert apply(overlays, None, set()).drafts[0] is drafts[0]
