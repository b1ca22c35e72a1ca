"""Drafts: documents as values with spans, before any model has seen them. The first stages of loading.

    file → parse → kind and version → the newest version's shape → (overlays) → validate

Owns what is known of a document from its text alone, and the checks by its model. Reads no file. Invariant: every value
and key of a draft has the place where a person wrote it, whatever version it was written in and whichever files it was
merged from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import ValidationError

from edgewright.kernel.diagnostics import Diagnostic, Span, did_you_mean
from edgewright.kernel.digest import Digest, digest_bytes
from edgewright.load.conflicts import find_conflict
from edgewright.load.conversion import to_newest
from edgewright.load.fixes import name_fix, second_keys_fixed
from edgewright.load.remarks import Remark, find_remarks
from edgewright.load.tree import Candidate
from edgewright.load.wording import diagnose
from edgewright.load.yaml12 import SIZE_LIMIT_BYTES, Parsed, SpanMap, parse
from edgewright.spec.base import Model
from edgewright.spec.v1beta1.documents import KINDS
from edgewright.spec.versions import NEWEST, SERVED, kinds_of

ERRORS_SHOWN = 100
"""Of one document; what is beyond is counted."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that a document was made from, and the digest of its bytes."""

    path: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Draft:
    """A document in the newest version's shape. `version` is what its file says; `origins` are in order of merging."""

    kind: str
    parsed: Parsed
    version: str
    origins: tuple[Origin, ...]
    is_whole: bool = True

    @property
    def path(self) -> str:
        """The file of the document itself."""
        return self.origins[0].path

    @property
    def name(self) -> str | None:
        """The name, if it is there and is text."""
        return name_of(self.parsed.value)


@dataclass(slots=True)
class Reading:
    """What was read: drafts, what is wrong so far, and what could not be read far enough to be a draft."""

    drafts: list[Draft] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    broken: set[tuple[str, str]] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def read_drafts(candidates: Iterable[Candidate]) -> Reading:
    """Take files as far as drafts."""
    reading = Reading()
    for candidate in candidates:
        if candidate.problem is not None:
            reading.problems.append(candidate.problem)
            reading.unread.append(candidate.path)
        elif candidate.is_document:
            _read(candidate, reading)
    return reading


def _read(candidate: Candidate, reading: Reading) -> None:
    path = candidate.path
    if candidate.size_bytes > SIZE_LIMIT_BYTES:
        message = f"{path} has {candidate.size_bytes:,} bytes, {SIZE_LIMIT_BYTES:,} allowed"
        hint = "split it into several documents"
        reading.problems.append(Diagnostic("file-too-large", message, span=Span(path, 1, 1, 1, 1), hint=hint))
        reading.unread.append(path)
        return
    conflict = find_conflict(candidate.data, path)
    if conflict is not None:
        reading.problems.append(conflict)
        reading.unread.append(path)
        return
    parsed, problems = parse(candidate.data, path)
    spans = parsed.spans if parsed else SpanMap(path, {}, {})
    reading.problems += second_keys_fixed(problems[:ERRORS_SHOWN], candidate.data, spans)
    reading.problems += _rest(spans, len(problems) - ERRORS_SHOWN)
    reading.remarks += find_remarks(candidate.data, parsed.spans) if parsed else []
    problem = unusable(parsed) if parsed else None
    if parsed is None or problem is not None:
        reading.problems += [problem] if problem else []
        reading.unread.append(path)
        return
    kind, version = parsed.value["kind"], parsed.value["apiVersion"]
    name = name_of(parsed.value)
    is_hopeless = len(problems) > ERRORS_SHOWN  # one count of what is not shown says enough
    converted, errors = (None, []) if is_hopeless else _converted(parsed, kind, version)
    if converted is None:
        reading.problems += errors
        reading.broken |= {(kind, name)} if name is not None else set()
        return
    origins = (Origin(path, digest_bytes(candidate.data)),)
    reading.drafts.append(Draft(kind, converted, version, origins, is_whole=not problems))


def _converted(parsed: Parsed, kind: str, version: str) -> tuple[Parsed | None, list[Diagnostic]]:
    """The document in the newest shape; what is wrong with an older version's is said in that version's words."""
    if version == NEWEST:
        return parsed, []
    document, errors = validate(parsed, kinds_of(version)[kind])
    return (to_newest(parsed, kind, version) if document is not None else None), errors


def unusable(parsed: Parsed) -> Diagnostic | None:
    """Why a value is no document of a kind and version that are served."""
    value, spans = parsed.value, parsed.spans
    if not isinstance(value, dict):
        message = f"{spans.path} is not a mapping of keys to values"
        hint = f"start with apiVersion: {NEWEST}"
        return Diagnostic("not-a-document", message, span=spans.span(()), hint=hint)
    for key in ("apiVersion", "kind"):
        if key not in value:
            hint = f"write apiVersion: {NEWEST} and one of kind: {', '.join(sorted(KINDS))}"
            return Diagnostic("missing-key", f"the document lacks {key}", span=spans.span(()), hint=hint)
    version, kind = value["apiVersion"], value["kind"]
    if version not in SERVED:
        message = f"apiVersion is {version!r}, {' and '.join(SERVED)} are served"
        hint = f"write apiVersion: {NEWEST}"
        return Diagnostic("unknown-api-version", message, span=spans.span(("apiVersion",)), hint=hint)
    if not isinstance(kind, str) or kind not in KINDS:
        message, close = f"there is no kind {kind!r}", did_you_mean(str(kind), KINDS)
        fix = name_fix(spans, ("kind",), kind, KINDS)
        return Diagnostic("unknown-kind", message, span=spans.span(("kind",)), hint=close, fix=fix)
    if version != NEWEST and kind not in kinds_of(version):
        message = f"{version} has no kind {kind!r}"
        return Diagnostic("unknown-kind", message, span=spans.span(("kind",)), hint=f"write apiVersion: {NEWEST}")
    return None


def validate(parsed: Parsed, model: type[Model]) -> tuple[Model | None, list[Diagnostic]]:
    """Make a document from parsed YAML, or say everything that is wrong with it, each at its place."""
    try:
        return model.model_validate_json(json.dumps(parsed.value), by_alias=True, by_name=False), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    shown = details[:ERRORS_SHOWN]
    found = (diagnose(cast("Mapping[str, Any]", detail), parsed, model) for detail in shown)
    diagnostics = [diagnostic for diagnostic in found if diagnostic is not None]
    return None, diagnostics + _rest(parsed.spans, len(details) - len(shown))


def _rest(spans: SpanMap, count: int) -> list[Diagnostic]:
    """The errors beyond the limit, as one; a file with so many is broken as a whole."""
    if count <= 0:
        return []
    message = f"{spans.path} has {count:,} more errors, the first {ERRORS_SHOWN} are shown"
    return [Diagnostic("more-errors", message, span=spans.span(()), hint="mend the first ones and check again")]


def name_of(value: Any) -> str | None:
    """`metadata.name` of a document's value, if it is there and is text."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None
