"""Checks a repository in all its environments: what each one adds to what is wrong without it, said once.

Rules run again only over blueprints that an environment changes: by an overlay of the blueprint, of its fleet, or of
any compression policy. A diagnostic that lies in an overlay says into which documents that place was merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgewright.check.run import examine
from edgewright.check.suppression import Judged
from edgewright.kernel.diagnostics import Diagnostic, Related
from edgewright.load.documents import Loaded, Repository
from edgewright.plugins.registry import Registry

_UNUSED = "suppression-unused"
_USES_SHOWN = 3


def examine_environments(repositories: Sequence[Repository], registry: Registry) -> Judged:
    """What is wrong in the first repository, and what only is in the others: the same one in each environment."""
    first, *others = repositories
    judged = examine(first, registry)
    standing = [*used_where(first, judged.standing)]
    allowed = [*judged.allowed]
    said = {(d.slug, d.span, d.message) for d in standing}
    for repository in others:
        found = _in_environment(repository, first, registry)
        allowed += [item for item in found.allowed if item not in allowed]
        for diagnostic in used_where(repository, found.standing):
            known = (diagnostic.slug, diagnostic.span, diagnostic.message)
            if known in said or diagnostic.slug == _UNUSED:
                continue
            said.add(known)
            notes = (*diagnostic.notes, f"in the environment {repository.environment}")
            standing.append(replace(diagnostic, notes=notes))
    used = {item.span for item in allowed}
    standing = [d for d in standing if d.slug != _UNUSED or d.span not in used]
    return Judged(tuple(sorted(standing, key=lambda d: d.sort_key)), tuple(allowed))


def _in_environment(repository: Repository, base: Repository, registry: Registry) -> Judged:
    """What is wrong in an environment; rules run over what differs, whose errors could be new."""
    changed = {name: loaded for name, loaded in repository.blueprints.items() if _differs(name, repository, base)}
    if not changed:
        return Judged(repository.problems)
    return examine(replace(repository, blueprints=changed, is_selection=True), registry)


def _differs(name: str, repository: Repository, base: Repository) -> bool:
    loaded = repository.blueprints[name]
    fleet = loaded.document.spec.fleet.ref
    if loaded is not base.blueprints.get(name) or repository.fleets.get(fleet) is not base.fleets.get(fleet):
        return True
    policies, others = repository.compression_policies, base.compression_policies
    return any(other not in others or policies[other].origins != others[other].origins for other in policies)


def used_where(repository: Repository, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """The diagnostics; those that lie in an overlay name the documents that the place was merged into."""
    merged = [
        (loaded, f"merged into {kind} {name}")
        for kind, shelf in _shelves(repository)
        for name, loaded in shelf.items()
        if len(loaded.origins) > 1
    ]
    for diagnostic in diagnostics:
        span = diagnostic.span
        if span is None or any(related.message.startswith("merged into") for related in diagnostic.related):
            yield diagnostic
            continue
        uses = [
            Related(loaded.spans.span(("metadata", "name")), message)
            for loaded, message in merged
            if span.path != loaded.path and any(origin.path == span.path for origin in loaded.origins)
            if span in loaded.spans.values.values() or span in loaded.spans.keys.values()
        ]
        yield replace(diagnostic, related=(*diagnostic.related, *uses[:_USES_SHOWN])) if uses else diagnostic


def _shelves(repository: Repository) -> Iterator[tuple[str, Mapping[str, Loaded[Any]]]]:
    yield "Blueprint", repository.blueprints
    yield "Fleet", repository.fleets
    yield "CompressionPolicy", repository.compression_policies
