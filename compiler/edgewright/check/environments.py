"""What checks need to know of overlays: which blueprints an environment changes, and where a merged value is used.

Pure. A repository without overlays passes through untouched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, Related
from edgewright.load.documents import Loaded, Repository
from edgewright.load.overlays import is_among
from edgewright.spec.v1beta1.blueprint import Blueprint

_MERGED = "merged into"
_USES_SHOWN = 3


def changed_blueprints(repository: Repository, base: Repository) -> Mapping[str, Loaded[Blueprint]]:
    """The blueprints of an environment that are not what they are without it: they, their fleet, or any policy."""
    if repository is base or _has_other_policies(repository, base):
        return repository.blueprints
    return {name: loaded for name, loaded in repository.blueprints.items() if _is_changed(loaded, repository, base)}


def _is_changed(loaded: Loaded[Blueprint], repository: Repository, base: Repository) -> bool:
    name, fleet = loaded.document.metadata.name, loaded.document.spec.fleet.ref
    return loaded is not base.blueprints.get(name) or repository.fleets.get(fleet) is not base.fleets.get(fleet)


def _has_other_policies(repository: Repository, base: Repository) -> bool:
    policies, others = repository.compression_policies, base.compression_policies
    return any(name not in others or policies[name].origins != others[name].origins for name in policies)


def used_where(repository: Repository, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The diagnostics; those that lie in an overlay name the documents that the place was merged into."""
    merged = [
        (loaded, f"{_MERGED} {kind} {name}")
        for kind, shelf in _shelves(repository)
        for name, loaded in shelf.items()
        if any(is_among(origin.path) for origin in loaded.origins)
    ]
    for diagnostic in diagnostics:
        uses = _uses(diagnostic, merged) if merged else []
        yield replace(diagnostic, related=(*diagnostic.related, *uses[:_USES_SHOWN])) if uses else diagnostic


def _uses(diagnostic: Diagnostic, merged: Iterable[tuple[Loaded[Any], str]]) -> list[Related]:
    span = diagnostic.span
    if (
        span is None
        or not is_among(span.path)
        or any(related.message.startswith(_MERGED) for related in diagnostic.related)
    ):
        return []
    return [
        Related(loaded.spans.span(("metadata", "name")), message)
        for loaded, message in merged
        if any(origin.path == span.path for origin in loaded.origins)
        if span in loaded.spans.values.values() or span in loaded.spans.keys.values()
    ]


def _shelves(repository: Repository) -> Iterator[tuple[str, Mapping[str, Loaded[Any]]]]:
    yield "Blueprint", repository.blueprints
    yield "Fleet", repository.fleets
    yield "CompressionPolicy", repository.compression_policies
