"""Inheritance of compression policies: `extends` resolved into whole lists of candidates.

Pure. Every inherited candidate keeps the place where it was written. A cycle is refused with its whole path, once, at
the policy of it that comes first by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, did_you_mean
from edgewright.load.yaml12 import SpanMap
from edgewright.spec.v1beta1.compression import CompressionSpec

_CANDIDATES = ("spec", "candidates")
_RECIPE = ("spec", "recipe")


def inherit(
    policies: Mapping[str, Any], broken: Collection[tuple[str, str]]
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Policies with all their candidates, and what is wrong; a policy with a wrong base is left out."""
    resolved: dict[str, Any] = {}
    problems: list[Diagnostic] = []
    refused: set[str] = {name for kind, name in broken if kind == "CompressionPolicy"}
    for name in sorted(policies):
        chain = _chain(name, policies)
        last = policies[chain[-1]].document.spec.extends
        if last in chain:
            if name == min(chain[chain.index(last) :]):
                problems.append(_cycle(policies[name], [*chain, last]))
            refused.add(name)
        elif last is not None and last not in policies:
            if chain == [name] and last not in refused:
                problems.append(_unknown(policies[name], last, policies))
            refused.add(name)
        else:
            resolved[name] = _merge(chain, policies, problems)
    return resolved, problems


def _chain(name: str, policies: Mapping[str, Any]) -> list[str]:
    """A policy and its bases, up to the first that extends nothing, something unknown, or one that was met before."""
    chain = [name]
    while True:
        base = policies[chain[-1]].document.spec.extends
        if base is None or base in chain or base not in policies:
            return chain
        chain.append(base)


def _merge(chain: list[str], policies: Mapping[str, Any], problems: list[Diagnostic]) -> Any:
    loaded = policies[chain[0]]
    if len(chain) == 1:
        return loaded
    candidates: dict[str, Any] = {}
    written: dict[str, tuple[Any, int]] = {}
    recipe: str | None = None
    chooser = loaded
    for name in reversed(chain):
        spec = policies[name].document.spec
        candidates |= {candidate.name: candidate for candidate in spec.candidates}
        written |= {candidate.name: (policies[name], index) for index, candidate in enumerate(spec.candidates)}
        recipe, chooser = (spec.recipe, policies[name]) if spec.recipe else (recipe, chooser)
    if recipe not in candidates:
        message = f"recipe {recipe!r} is neither among the candidates of {chain[0]} nor inherited"
        hint = did_you_mean(str(recipe), candidates)
        problems.append(Diagnostic("unknown-recipe", message, span=loaded.spans.span(("spec", "recipe")), hint=hint))
        recipe = next(iter(candidates))
    spec = CompressionSpec(extends=chain[1], recipe=recipe, candidates=tuple(candidates.values()))
    document = loaded.document.model_copy(update={"spec": spec})
    value, spans = _written(loaded, list(written.values()), chooser)
    origins = tuple({o.path: o for name in chain for o in policies[name].origins}.values())
    return replace(loaded, document=document, value=value, spans=spans, origins=origins)


def _written(loaded: Any, candidates: list[tuple[Any, int]], chooser: Any) -> tuple[Any, SpanMap]:
    """The policy as if all of it were written in it, with the places where its parts are written."""
    spec = {**loaded.value["spec"], "candidates": [p.value["spec"]["candidates"][i] for p, i in candidates]}
    if "recipe" in chooser.value["spec"]:
        spec["recipe"] = chooser.value["spec"]["recipe"]
    values = {path: span for path, span in loaded.spans.values.items() if path[:2] != _CANDIDATES}
    keys = {path: span for path, span in loaded.spans.keys.items() if path[:2] != _CANDIDATES}
    values[_CANDIDATES] = loaded.spans.span(_CANDIDATES)
    for index, (policy, old) in enumerate(candidates):
        start, wanted = (*_CANDIDATES, index), (*_CANDIDATES, old)
        for places, found in ((values, policy.spans.values), (keys, policy.spans.keys)):
            places.update({(*start, *path[3:]): span for path, span in found.items() if path[:3] == wanted})
    if _RECIPE not in loaded.spans.values:
        values[_RECIPE] = chooser.spans.span(_RECIPE)
    return {**loaded.value, "spec": spec}, SpanMap(loaded.path, values, keys)


def _cycle(loaded: Any, way: list[str]) -> Diagnostic:
    message = f"{way[0]} extends itself: {' -> '.join(way)}"
    span = loaded.spans.span(("spec", "extends"))
    return Diagnostic("policy-cycle", message, span=span, hint="let one of them extend nothing and list its candidates")


def _unknown(loaded: Any, base: str, policies: Mapping[str, Any]) -> Diagnostic:
    span = loaded.spans.span(("spec", "extends"))
    return Diagnostic("unknown-policy", f"there is no policy {base!r}", span=span, hint=did_you_mean(base, policies))
