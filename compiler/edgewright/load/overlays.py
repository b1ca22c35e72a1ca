"""Overlays: what differs in an environment or at a site, merged into the documents it is meant for.

    overlays/<site>/site.yaml                  the devices of a site, always
    overlays/<environment>/*.yaml              any document, in one environment
    overlays/<environment>/sites/<site>.yaml   the devices of a site, in one environment

Owns where an overlay may lie, what it applies to (documents below the folder that holds `overlays`), and layers: what
always holds comes first, what an environment says goes before it. Reads no file. Invariant: the order of files within a
layer changes nothing, because two that disagree are an error.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import cast

from edgewright.kernel.diagnostics import Diagnostic, Severity, Span, did_you_mean
from edgewright.load.drafts import Draft, name_of, validate
from edgewright.load.merge import Merge, Part, Use
from edgewright.load.yaml12 import Parsed, Path, SpanMap
from edgewright.spec.base import NAME_PATTERN
from edgewright.spec.changes import lookup
from edgewright.spec.v1beta1.overlay import Overlay, Patch

FOLDER = "overlays"
_NAME = re.compile(NAME_PATTERN)
_PATCHED = frozenset({"Blueprint", "CompressionPolicy", "Fleet"})
_ENVIRONMENT_PARTS, _SITE_PARTS = 2, 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where an overlay holds: below `folder`; in one environment, or in all; at one site, or for patches."""

    folder: str
    environment: str | None
    site: str | None


@dataclass(frozen=True, slots=True)
class _Found:
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
    found: tuple[_Found, ...] = ()
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


def _overlay(draft: Draft, place: Place | None) -> tuple[_Found | None, list[Diagnostic]]:
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
        hint = f"move it to {FOLDER}/{place.environment}/sites/SITE.yaml"
        return None, [_misplaced(draft, "devices are for the overlay of a site", ("spec", "devices"), hint)]
    if place.site is not None and overlay.spec.devices is None:
        hint = f"move it to {FOLDER}/ENVIRONMENT/"
        return None, [_misplaced(draft, "patches are for the overlay of an environment", ("spec", "patches"), hint)]
    return _Found(draft, overlay, place), []


def _misplaced(draft: Draft, message: str, path: Path, hint: str) -> Diagnostic:
    return Diagnostic("overlay-place", message, span=draft.parsed.spans.key_span(path), hint=hint)


def _both_site_and_environment(found: Sequence[_Found]) -> Iterator[Diagnostic]:
    names = {(item.place.folder, item.place.environment) for item in found}
    for item in found:
        if item.layer == 0 and (item.place.folder, item.place.site) in names:
            message = f"{item.place.site!r} is the name of a site and of an environment"
            yield _misplaced(item.draft, message, ("kind",), "rename one of the two folders")


def _both_blueprint_and_environment(documents: Sequence[Draft], found: Sequence[_Found]) -> Iterator[Diagnostic]:
    """The results of an environment lie in dist/ENVIRONMENT/, beside dist/BLUEPRINT/."""
    blueprints = {draft.name for draft in documents if draft.kind == "Blueprint"}
    for item in found:
        if item.place.environment in blueprints:
            message = f"{item.place.environment!r} is the name of an environment and of a blueprint"
            yield _misplaced(item.draft, message, ("kind",), "rename the environment's folder")


def apply(
    overlays: Overlays, environment: str | None, broken: set[tuple[str, str]]
) -> tuple[list[Draft], list[Diagnostic]]:
    """The documents of an environment, and what is wrong with the way overlays fit them.

    A document that nothing is merged into is the same object as before.
    """
    holding = [item for item in overlays.found if item.place.environment in (None, environment)]
    uses: dict[tuple[str, Path], Use] = {}
    problems: list[Diagnostic] = []
    used: set[tuple[str, int]] = set()
    drafts = []
    for draft in overlays.documents:
        parts = [(item, part) for item in holding for part in _parts(item, draft, used)] if holding else []
        if not parts or not draft.is_whole:
            drafts.append(draft)
            continue
        merge = Merge.of(draft.kind, draft.parsed, uses)
        for _, layer in groupby(parts, key=lambda pair: pair[0].layer):
            merge.next_layer()
            for _, part in layer:
                merge.add(part)
        problems += merge.problems
        drafts.append(_merged(draft, merge, [item.draft for item, _ in parts]))
    problems += [d for item in holding for d in _unused(item, used, overlays.documents, broken)]
    problems += [_redundant(use.span) for use in uses.values() if use.merged == use.redundant]
    return _with_locks(drafts, overlays.locks.get(environment or "", ())), problems


def _parts(item: _Found, draft: Draft, used: set[tuple[str, int]]) -> Iterator[Part]:
    """The parts of an overlay that go into a document; what was used is noted by file and position."""
    path, spans = item.draft.path, item.draft.parsed.spans
    if draft.kind not in _PATCHED or not draft.path.startswith(item.place.folder):
        return
    spec = item.draft.parsed.value["spec"]
    if item.place.site is not None:
        for index, device in enumerate(_devices(draft)):
            if _site(device) == item.place.site:
                used.add((path, 0))
                yield Part(path, spans, spec["devices"], ("spec", "devices"), ("spec", "devices", index))
        return
    for index, patch in enumerate(item.overlay.spec.patches or ()):
        if _matches(patch, draft):
            used.add((path, index))
            yield Part(path, spans, spec["patches"][index]["patch"], ("spec", "patches", index, "patch"), ())


def _devices(draft: Draft) -> list[object]:
    devices = lookup(draft.parsed.value, "spec", "devices") if draft.kind == "Fleet" else None
    return devices if isinstance(devices, list) else []


def _site(device: object) -> object:
    return device.get("site", "default") if isinstance(device, dict) else None


def _matches(patch: Patch, draft: Draft) -> bool:
    if patch.kind != draft.kind or not fnmatch.fnmatchcase(draft.name or "", patch.name):
        return False
    labels = lookup(draft.parsed.value, "metadata", "labels")
    labels = labels if isinstance(labels, dict) else {}
    return all(labels.get(key) == value for key, value in patch.labels.items())


def _merged(draft: Draft, merge: Merge, overlays: Sequence[Draft]) -> Draft:
    spans = SpanMap(draft.path, merge.values, merge.keys)
    origins = {origin.path: origin for overlay in overlays for origin in overlay.origins}
    return replace(draft, parsed=Parsed(merge.value, spans), origins=(*draft.origins, *origins.values()))


def _unused(
    item: _Found, used: set[tuple[str, int]], documents: Sequence[Draft], broken: set[tuple[str, str]]
) -> Iterator[Diagnostic]:
    path, spans = item.draft.path, item.draft.parsed.spans
    if item.place.site is not None:
        if (path, 0) not in used and not any(kind == "Fleet" for kind, _ in broken):
            sites = {str(_site(device)) for draft in documents for device in _devices(draft)}
            message = f"no device that a fleet document names is at the site {item.place.site!r}"
            hint = did_you_mean(item.place.site, sites)
            yield Diagnostic("overlay-unused", message, span=spans.key_span(("spec", "devices")), hint=hint)
        return
    for index, patch in enumerate(item.overlay.spec.patches or ()):
        is_broken = any(kind == patch.kind and fnmatch.fnmatchcase(name, patch.name) for kind, name in broken)
        if (path, index) in used or is_broken:
            continue
        labelled = " with these labels" if patch.labels else ""
        message = f"no {patch.kind} of this repository matches {patch.name!r}{labelled}"
        known = [name for d in documents if d.kind == patch.kind and (name := name_of(d.parsed.value)) is not None]
        span = spans.span(("spec", "patches", index, "name"))
        yield Diagnostic("overlay-unused", message, span=span, hint=did_you_mean(patch.name, known))


def _redundant(span: Span) -> Diagnostic:
    message = "the overlay says what is so without it"
    hint = "take it out, so that the overlay shows what differs"
    return Diagnostic("overlay-redundant", message, span=span, hint=hint, severity=Severity.WARNING)


def _with_locks(drafts: list[Draft], locks: Sequence[Draft]) -> list[Draft]:
    """The locks of an environment take the place of those that lie beside the blueprints."""
    if not locks:
        return drafts
    own = {lock.name for lock in locks}
    return [*(draft for draft in drafts if draft.kind != "Lock" or draft.name not in own), *locks]


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0].removesuffix(".lock")
