"""What checks need to know of overlays: which blueprints an environment changes, and where a merged value is used.

Pure. A repository without overlays passes through untouched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, Related
from edgewright.load.applied import nobody_there, redundant
from edgewright.load.documents import Loaded, Repository
from edgewright.load.overlays import is_among
from edgewright.load.sites import SitePart, silent
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
    here, there = repository.fleets.get(fleet), base.fleets.get(fleet)
    is_same_fleet = here is there or (here is not None and there is not None and here.digest == there.digest)
    return loaded is not base.blueprints.get(name) or not is_same_fleet


def _has_other_policies(repository: Repository, base: Repository) -> bool:
    policies, others = repository.compression_policies, base.compression_policies
    return any(name not in others or policies[name].origins != others[name].origins for name in policies)


def idle_at_sites(repository: Repository) -> Iterator[Diagnostic]:
    """Overlays of sites that could reach hosts of inventories and reach none, or change nothing: known only with hosts.

    While a fleet or a host is wrong nothing is said: what is missing may be what an overlay is for.
    """
    reached = [name for name, fleet in repository.fleets.items() if fleet.sites]
    if not reached or any(kind == "Fleet" for kind, _ in repository.broken):
        return
    read = {name: repository.devices_of(name) for name in reached}
    if any(found.problems for found in read.values()):
        return
    hosts = {name: {device.site for device in found.devices} for name, found in read.items()}
    telling = [found.telling for found in read.values()]
    sites = set().union(*hosts.values())
    for part, fleets in _parts_of_hosts(repository, reached):
        if not part.is_used and not any(part.site in hosts[name] for name in fleets):
            yield nobody_there(part.site, part.place, sites)
        else:
            yield from (redundant(part.span(leaf)) for leaf in silent(part, telling))


def _parts_of_hosts(repository: Repository, fleets: Iterable[str]) -> Iterator[tuple[SitePart, list[str]]]:
    """Each overlay that may reach hosts, once, with the fleets of which it may."""
    found: dict[str, tuple[SitePart, list[str]]] = {}
    for name in fleets:
        for part in repository.fleets[name].sites:
            found.setdefault(part.overlay, (part, []))[1].append(name)
    yield from found.values()


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
        or diagnostic.slug.startswith("overlay-")
        or any(related.message.startswith(_MERGED) for related in diagnostic.related)
    ):
        return []
    return [
        Related(loaded.spans.span(("metadata", "name")), message)
        for loaded, message in merged
        if any(origin.path == span.path for origin in loaded.origins)
        if span in loaded.spans.values.values()
        or span in loaded.spans.keys.values()
        or any(part.overlay == span.path for part in loaded.sites)
    ]


def _shelves(repository: Repository) -> Iterator[tuple[str, Mapping[str, Loaded[Any]]]]:
    yield "Blueprint", repository.blueprints
    yield "Fleet", repository.fleets
    yield "CompressionPolicy", repository.compression_policies
