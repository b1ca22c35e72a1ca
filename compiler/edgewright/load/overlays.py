"""Overlays: what differs in an environment or at a site, merged into the documents it is meant for.

    overlays/<site>/site.yaml                  the devices of a site, always
    overlays/<environment>/*.yaml              any document, in one environment
    overlays/<environment>/sites/<site>.yaml   the devices of a site, in one environment

Owns where an overlay may lie and the layers: what always holds comes first, what an environment says goes before it.
Merging them is `applied`'s. Reads no file. Invariant: what lies among overlays is an overlay, a lock, or refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, ExitCode, did_you_mean, fail
from edgewright.load.drafts import Draft, validate
from edgewright.load.places import Path
from edgewright.spec.base import NAME_PATTERN
from edgewright.spec.v1beta1.overlay import Overlay

FOLDER = "overlays"
_NAME = re.compile(NAME_PATTERN)
_ENVIRONMENT_PARTS, _SITE_PARTS = 2, 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where an overlay holds: below `folder`; in one environment, or in all; at one site, or for patches."""

    folder: str
    environment: str | None
    site: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """An overlay that is right in itself, and where it holds."""

    draft: Draft
    overlay: Overlay
    place: Place

    @property
    def layer(self) -> int:
        """What always holds, then what an environment says."""
        return 0 if self.place.environment is None else 1


@dataclass(frozen=True, slots=True)
class Overlays:
    """The overlays of a repository, and the documents without them."""

    documents: tuple[Draft, ...]
    locks: Mapping[str, tuple[Draft, ...]] = field(default_factory=dict)
    found: tuple[Found, ...] = ()
    problems: tuple[Diagnostic, ...] = ()


def is_among(path: str) -> bool:
    """Tell whether a file lies in a folder of overlays."""
    return FOLDER in path.split("/")[:-1]


def place_of(path: str) -> Place | None:
    """Where a file below `overlays` holds; None when nothing is meant to lie there."""
    parts = path.split("/")
    at = parts.index(FOLDER)
    folder = "".join(f"{part}/" for part in parts[:at])
    inner = [*parts[at + 1 : -1], _stem(parts[-1])]
    if any(_NAME.match(part) is None for part in inner):
        return None
    if len(inner) == _ENVIRONMENT_PARTS and inner[1] == "site":
        return Place(folder, None, inner[0])
    if len(inner) == _ENVIRONMENT_PARTS:
        return Place(folder, inner[0], None)
    if len(inner) == _SITE_PARTS and inner[1] == "sites":
        return Place(folder, inner[0], inner[2])
    return None


def unknown_environment(name: str, known: Collection[str]) -> EdgewrightError:
    """What to raise for an environment that nobody made."""
    return fail(
        "unknown-environment",
        f"there is no environment {name[:80]!r}",
        exit_code=ExitCode.USAGE,
        subject=name[:80],
        hint=did_you_mean(name, known) or f"an environment is a folder below {FOLDER}/ that holds overlays",
    )


def environments_of(paths: Iterable[str]) -> tuple[str, ...]:
    """The environments that files among overlays make, by name."""
    places = (place_of(path) for path in paths if is_among(path))
    return tuple(sorted({place.environment for place in places if place is not None and place.environment is not None}))


def split(drafts: Sequence[Draft]) -> Overlays:
    """Tell overlays, and the locks beside them, from documents."""
    documents, found, problems = [], [], []
    locks: dict[str, tuple[Draft, ...]] = {}
    for draft in drafts:
        place = place_of(draft.path) if is_among(draft.path) else None
        if draft.kind == "Lock" and place is not None and place.environment is not None and place.site is None:
            locks[place.environment] = (*locks.get(place.environment, ()), draft)
        elif draft.kind == "Overlay" or is_among(draft.path):
            overlay, errors = _overlay(draft, place)
            problems += errors
            if overlay is not None:
                found.append(overlay)
        else:
            documents.append(draft)
    problems += _both_site_and_environment(found)
    problems += _both_blueprint_and_environment(documents, found)
    found.sort(key=lambda item: (item.layer, item.draft.path))
    return Overlays(tuple(documents), locks, tuple(found), tuple(problems))


def _overlay(draft: Draft, place: Place | None) -> tuple[Found | None, list[Diagnostic]]:
    if draft.kind != "Overlay":
        message, way = f"a {draft.kind} lies among the overlays", ("kind",)
        return None, [_misplaced(draft, message, way, f"move it out of {FOLDER}/, or write kind: Overlay")]
    if place is None:
        hint = f"{FOLDER}/ENVIRONMENT/NAME.yaml, {FOLDER}/ENVIRONMENT/sites/SITE.yaml or {FOLDER}/SITE/site.yaml"
        return None, [_misplaced(draft, f"{draft.path} is no place for an overlay", ("kind",), hint)]
    document, errors = validate(draft.parsed, Overlay)
    if document is None or not draft.is_whole:
        return None, errors
    overlay = cast("Overlay", document)
    if place.site is None and overlay.spec.patches is None:
        environment = "ENVIRONMENT" if place.environment in {"sites", "site"} else place.environment
        hint = f"{FOLDER}/SITE/site.yaml holds always, {FOLDER}/{environment}/sites/SITE.yaml in an environment"
        return None, [_misplaced(draft, "devices are for the overlay of a site", ("spec", "devices"), hint)]
    if place.site is not None and overlay.spec.devices is None:
        hint = f"a file called site is about the devices of a site: move it to {FOLDER}/ENVIRONMENT/NAME.yaml"
        return None, [_misplaced(draft, "patches are for the overlay of an environment", ("spec", "patches"), hint)]
    return Found(draft, overlay, place), []


def _misplaced(draft: Draft, message: str, path: Path, hint: str) -> Diagnostic:
    return Diagnostic("overlay-place", message, span=draft.parsed.spans.key_span(path), hint=hint)


def _both_site_and_environment(found: Sequence[Found]) -> Iterator[Diagnostic]:
    names = {(item.place.folder, item.place.environment) for item in found}
    for item in found:
        if item.layer == 0 and (item.place.folder, item.place.site) in names:
            message = f"{item.place.site!r} is the name of a site and of an environment"
            yield _misplaced(item.draft, message, ("kind",), "rename one of the two folders")


def _both_blueprint_and_environment(documents: Sequence[Draft], found: Sequence[Found]) -> Iterator[Diagnostic]:
    """The results of an environment lie in dist/ENVIRONMENT/, beside dist/BLUEPRINT/."""
    blueprints = {draft.name for draft in documents if draft.kind == "Blueprint"}
    for item in found:
        if item.place.environment in blueprints:
            message = f"{item.place.environment!r} is the name of an environment and of a blueprint"
            yield _misplaced(item.draft, message, ("kind",), "rename the environment's folder")


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0].removesuffix(".lock")
