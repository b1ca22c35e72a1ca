"""Overlays applied: the documents of an environment, and what is wrong with the way overlays fit them.

Owns what an overlay applies to: documents below the folder that holds `overlays`, and the devices that end up at a
site. Reads no file, so the hosts of inventories are left to who reads them, with what is said of them. Invariant: the
order of files within a layer changes nothing, because two that disagree are an error.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, Related, Severity, Span, did_you_mean
from edgewright.load.drafts import Draft, name_of
from edgewright.load.merge import Merge, Part, Use
from edgewright.load.overlays import FOLDER, Found, Overlays
from edgewright.load.places import Path
from edgewright.load.sites import SitePart, Sites, disagreements
from edgewright.load.yaml12 import Parsed, SpanMap
from edgewright.spec.changes import lookup
from edgewright.spec.v1beta1.overlay import Patch

_PATCHED = frozenset({"Blueprint", "CompressionPolicy", "Fleet"})
_DEVICES: Path = ("spec", "devices")
_PARTS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Applied:
    """The documents of an environment, and what is wrong with the way overlays fit them.

    `sites` has what is said of the hosts of a fleet's inventory, by the fleet's file: hosts are not read here.
    """

    drafts: list[Draft]
    problems: list[Diagnostic]
    sites: Mapping[str, Sites] = field(default_factory=dict)


def apply(overlays: Overlays, environment: str | None, broken: set[tuple[str, str]]) -> Applied:
    """Merge the overlays of an environment. A document that nothing is merged into is the same object as before."""
    holding = [item for item in overlays.found if item.place.environment in (None, environment)]
    uses: dict[tuple[str, Path], Use] = {}
    problems: list[Diagnostic] = []
    used: set[tuple[str, int]] = set()
    drafts = []
    reaching: dict[str, list[Found]] = {}
    for draft in overlays.documents:
        merged, found = _apply_to(draft, holding, used, uses) if holding else (draft, [])
        problems += found
        reaching[draft.path] = _for_hosts(holding, merged)
        drafts.append(_with_origins(merged, reaching[draft.path]))
    to_hosts = {item.draft.path for items in reaching.values() for item in items}
    problems += [
        diagnostic
        for item in holding
        if item.draft.path not in to_hosts  # whether a host is there is not known before its inventory is read
        for diagnostic in _unused(item, used, overlays.documents, broken)
    ]
    problems += [
        redundant(use.span) for (path, _), use in uses.items() if use.merged == use.redundant and path not in to_hosts
    ]
    sites = {path: tuple(_site_part(item, used, uses) for item in items) for path, items in reaching.items() if items}
    problems += [diagnostic for parts in sites.values() for diagnostic in disagreements(parts)]
    drafts = _with_locks(drafts, overlays.locks.get(environment or "", ()))
    return Applied(drafts, _told_once(problems), sites)


def _apply_to(
    draft: Draft, holding: Sequence[Found], used: set[tuple[str, int]], uses: dict[tuple[str, Path], Use]
) -> tuple[Draft, list[Diagnostic]]:
    if draft.kind not in _PATCHED:
        return draft, []
    here = [item for item in holding if draft.path.startswith(item.place.folder)]
    patches = [(item, part) for item in here if item.place.site is None for part in _patch_parts(item, draft, used)]
    at_sites = [item for item in here if item.place.site is not None] if draft.kind == "Fleet" else []
    placed = _placed(draft, [part for _, part in patches]) if at_sites else []
    parts = patches + [(item, part) for item in at_sites for part in _device_parts(item, placed, used)]
    if not parts or not draft.is_whole:
        return draft, []
    parts.sort(key=lambda pair: (pair[0].layer, pair[0].draft.path))
    merge = Merge.of(draft.kind, draft.parsed, uses)
    for device in placed:
        if device.announced is not None:
            merge.announce(_DEVICES, *device.announced)
    for _, layer in groupby(parts, key=lambda pair: pair[0].layer):
        merge.next_layer()
        for _, part in layer:
            merge.add(part)
    problems = merge.problems + _without_list(draft, merge.value, [part for _, part in patches])
    return _merged(draft, merge, [item.draft for item, _ in parts]), problems


def _without_list(draft: Draft, merged: Any, patches: Sequence[Part]) -> list[Diagnostic]:
    """Patches that name devices of a fleet whose devices an inventory has; they are left out of it."""
    if draft.kind != "Fleet" or not _has_inventory(draft.parsed.value) or not _has_inventory(merged):
        return []
    naming = [part for part in patches if isinstance(lookup(part.value, "spec", "devices"), list)]
    if naming:
        merged["spec"].pop("devices", None)
    message = f"the fleet {draft.name} takes its devices from an inventory; a patch cannot name them"
    hint = f"write it beside the inventory, or for all devices of a site in {FOLDER}/ENVIRONMENT/sites/SITE.yaml"
    spans = [part.spans.key_span((*part.place, *_DEVICES)) for part in naming]
    return [Diagnostic("overlay-unused", message, span=span, hint=hint) for span in spans]


def _has_inventory(document: object) -> bool:
    return isinstance(lookup(document, "spec", "inventory"), dict)


@dataclass(slots=True)
class _Placed:
    """The site of a device; of one that only a patch names, that patch and where it does."""

    site: object
    announced: tuple[Part, Path] | None = None


def _placed(draft: Draft, patches: Sequence[Part]) -> list[_Placed]:
    """The devices of a fleet in the order of the merged list, at the sites at which they end up."""
    devices = _devices(draft.parsed.value)
    found = [_Placed(_site(device)) for device in devices]
    known: dict[str, _Placed] = {}
    for device, placed in zip(devices, found, strict=True):
        if isinstance(device, dict):
            known.setdefault(str(device.get("name")), placed)
    for part in patches:
        for index, device in enumerate(_devices(part.value)):
            if not isinstance(device, dict) or not isinstance(device.get("name"), str):
                continue
            name = device["name"]
            if name not in known:
                known[name] = _Placed("default", (part, (*part.place, *_DEVICES, index)))
                found.append(known[name])
            if "site" in device:
                known[name].site = _site(device)
    return found


def _for_hosts(holding: Sequence[Found], draft: Draft) -> list[Found]:
    """The overlays of sites that may reach the hosts of a fleet's inventory."""
    if draft.kind != "Fleet" or not _has_inventory(draft.parsed.value):
        return []
    return [item for item in holding if item.place.site is not None and draft.path.startswith(item.place.folder)]


def _site_part(item: Found, used: set[tuple[str, int]], uses: Mapping[tuple[str, Path], Use]) -> SitePart:
    path, parsed = item.draft.path, item.draft.parsed
    settled = frozenset(
        place[2:] for (overlay, place), use in uses.items() if overlay == path and use.merged != use.redundant
    )
    value, is_used = parsed.value["spec"]["devices"], (path, 0) in used
    return SitePart(str(item.place.site), item.layer, path, parsed.spans, value, is_used, settled)


def _told_once(problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """One mistake of an overlay is one report, however many devices and documents it was merged into."""
    return list({(problem.slug, problem.span): problem for problem in reversed(list(problems))}.values())[::-1]


def _patch_parts(item: Found, draft: Draft, used: set[tuple[str, int]]) -> Iterator[Part]:
    """The patches of an overlay that go into a document; what was used is noted by file and position."""
    path, parsed = item.draft.path, item.draft.parsed
    for index, patch in enumerate(item.overlay.spec.patches or ()):
        if _matches(patch, draft):
            used.add((path, index))
            place: Path = ("spec", "patches", index, "patch")
            yield Part(path, parsed.spans, parsed.value["spec"]["patches"][index]["patch"], place, ())


def _device_parts(item: Found, placed: Sequence[_Placed], used: set[tuple[str, int]]) -> Iterator[Part]:
    """What the overlay of a site says, for each of its devices."""
    path, parsed = item.draft.path, item.draft.parsed
    for index, device in enumerate(placed):
        if device.site == item.place.site:
            used.add((path, 0))
            yield Part(path, parsed.spans, parsed.value["spec"]["devices"], _DEVICES, (*_DEVICES, index))


def _devices(document: object) -> list[object]:
    devices = lookup(document, "spec", "devices")
    return devices if isinstance(devices, list) else []


def _site(device: object) -> object:
    """None takes a site away, so that the default holds."""
    return (device.get("site") or "default") if isinstance(device, dict) else None


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


def _with_origins(draft: Draft, reaching: Sequence[Found]) -> Draft:
    """What reaches the hosts of a fleet is part of what the fleet was made from."""
    origins = {origin.path: origin for item in reaching for origin in item.draft.origins}
    return replace(draft, origins=(*draft.origins, *origins.values())) if origins else draft


def explained(diagnostics: Sequence[Diagnostic], draft: Draft) -> list[Diagnostic]:
    """What is wrong with a merged document, with what only the merging explains; the document is gone through once."""
    if not diagnostics:
        return []
    spans = draft.parsed.spans
    found: dict[Span, list[Path]] = {}
    for path, span in chain(spans.keys.items(), spans.values.items()):
        found.setdefault(span, []).append(path)
    merged = [(path, span) for path, span in spans.values.items() if span.path != draft.path]
    return [_explained(item, draft, found.get(item.span, []) if item.span else [], merged) for item in diagnostics]


def _explained(
    diagnostic: Diagnostic, draft: Draft, ways: Sequence[Path], merged: Sequence[tuple[Path, Span]]
) -> Diagnostic:
    """About something whole, such as a list, the overlays that parts of it came from; about a device that only an
    overlay names, that it is new: its name may be misspelt. `ways` lead to the place of the diagnostic."""
    wrong, spans = diagnostic.span, draft.parsed.spans
    if wrong is None or not ways or diagnostic.slug == "more-errors":
        return diagnostic
    if wrong.path != draft.path:
        new = [path for path in ways if path[:-1] == _DEVICES]
        if draft.kind != "Fleet" or diagnostic.slug != "missing-key" or diagnostic.hint is not None or not new:
            return diagnostic
        name = dict(_names(draft)).get(new[0])
        known = [other for path, other in _names(draft) if spans.span(path).path == draft.path]
        hint = did_you_mean(name, known) if name is not None else None
        return replace(diagnostic, hint=f"{name!r} is a new device here; {hint}") if hint else diagnostic
    first: dict[str, Span] = {}
    for path, span in merged:
        if path[: len(ways[0])] == ways[0]:
            first.setdefault(span.path, span)
    related = tuple(Related(span, "merged with this") for span in list(first.values())[:_PARTS_SHOWN])
    return replace(diagnostic, related=(*diagnostic.related, *related))


def _names(draft: Draft) -> Iterator[tuple[Path, str]]:
    for index, device in enumerate(_devices(draft.parsed.value)):
        if isinstance(device, dict) and isinstance(device.get("name"), str):
            yield (*_DEVICES, index), device["name"]


def _unused(
    item: Found, used: set[tuple[str, int]], documents: Sequence[Draft], broken: set[tuple[str, str]]
) -> Iterator[Diagnostic]:
    path, spans = item.draft.path, item.draft.parsed.spans
    if item.place.site is not None:
        if (path, 0) not in used and not any(kind == "Fleet" for kind, _ in broken):
            sites = {
                str(_site(device))
                for draft in documents
                if draft.kind == "Fleet"
                for device in _devices(draft.parsed.value)
            }
            yield nobody_there(item.place.site, spans.key_span(("spec", "devices")), sites)
        return
    for index, patch in enumerate(item.overlay.spec.patches or ()):
        is_broken = any(kind == patch.kind and fnmatch.fnmatchcase(name, patch.name) for kind, name in broken)
        if (path, index) in used or is_broken:
            continue
        known = [name for d in documents if d.kind == patch.kind and (name := name_of(d.parsed.value)) is not None]
        hint: str | None
        if fnmatch.filter(known, patch.name):  # so it is the labels
            message = f"no {patch.kind} of this repository that matches {patch.name!r} has these labels"
            span, hint = spans.key_span(("spec", "patches", index, "labels")), "documents have them in metadata.labels"
        else:
            message = f"no {patch.kind} of this repository matches {patch.name!r}"
            span, hint = spans.span(("spec", "patches", index, "name")), did_you_mean(patch.name, known)
        yield Diagnostic("overlay-unused", message, span=span, hint=hint)


def nobody_there(site: str, span: Span, sites: Iterable[str]) -> Diagnostic:
    """The diagnostic for an overlay of a site at which nothing is."""
    hint = did_you_mean(site, sites)
    return Diagnostic("overlay-unused", f"no device of a fleet is at the site {site!r}", span=span, hint=hint)


def redundant(span: Span) -> Diagnostic:
    """The diagnostic for a value of an overlay that changes nothing."""
    message = "the overlay says what is so without it"
    hint = "take it out, so that the overlay shows what differs"
    return Diagnostic("overlay-redundant", message, span=span, hint=hint, severity=Severity.WARNING)


def _with_locks(drafts: list[Draft], locks: Sequence[Draft]) -> list[Draft]:
    """The locks of an environment take the place of those that lie beside the blueprints."""
    if not locks:
        return drafts
    own = {lock.name for lock in locks}
    return [*(draft for draft in drafts if draft.kind != "Lock" or draft.name not in own), *locks]
