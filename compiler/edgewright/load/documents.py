"""Documents: a fleet repository as typed values, each with the place of every key and value it was read from.

Owns what counts as a document, and which one a name means. Reads files, never writes, never follows a link. Invariant:
nobody works on a repository with wrong documents by accident: they are raised, all at once, unless the caller asks to
keep them in `problems`, as `check` does to report them together with its own findings.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, ExitCode, Span, did_you_mean, fail
from edgewright.kernel.digest import Digest, digest_bytes
from edgewright.kernel.resources import share_folder
from edgewright.load.inheritance import inherit
from edgewright.load.tree import SHIPPED, Candidate, find_candidates
from edgewright.load.wording import diagnose
from edgewright.load.yaml12 import SIZE_LIMIT_BYTES, Parsed, SpanMap, parse
from edgewright.spec.base import Model
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.compression import CompressionPolicy
from edgewright.spec.v1beta1.documents import API_VERSION, KINDS
from edgewright.spec.v1beta1.fleet import Fleet
from edgewright.spec.v1beta1.lock import Lock
from edgewright.spec.v1beta1.target import Target

T = TypeVar("T")
ERRORS_SHOWN = 100
"""Of one document; what is beyond is counted."""
_SHIPPED_FOLDERS = ("targets/profiles", "blueprints/policies")


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """A document, the file it came from (relative to the repository), the place of its parts, the file's digest."""

    path: str
    document: T
    spans: SpanMap
    digest: Digest


@dataclass(frozen=True, slots=True)
class Repository:
    """A fleet repository: its documents by name. Targets and policies include those that ship with edgewright.

    `broken` holds (kind, name) of documents that exist and are wrong, so that nobody reports them as unknown; `unread`,
    the files of which not even that much is known.
    """

    root: Path
    blueprints: Mapping[str, Loaded[Blueprint]]
    fleets: Mapping[str, Loaded[Fleet]]
    compression_policies: Mapping[str, Loaded[CompressionPolicy]]
    targets: Mapping[str, Loaded[Target]]
    locks: Mapping[str, Loaded[Lock]]
    problems: tuple[Diagnostic, ...] = ()
    broken: frozenset[tuple[str, str]] = frozenset()
    unread: tuple[str, ...] = ()


@dataclass(slots=True)
class _Shelf:
    """What was read so far."""

    found: dict[str, dict[str, Loaded[Any]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    problems: list[Diagnostic] = field(default_factory=list)
    broken: set[tuple[str, str]] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)

    def add(self, kind: str, loaded: Loaded[Any]) -> None:
        name = loaded.document.metadata.name
        span = loaded.spans.span(("metadata", "name"))
        first = self.found[kind].get(name)
        if first is not None:
            other = first.spans.span(("metadata", "name"))
            message = f"{kind} {name!r} is defined twice; the other is at {other}"
            self.problems.append(Diagnostic("duplicate-name", message, span=span, hint="rename one, or remove it"))
            return
        self.found[kind][name] = loaded


def load_repository(root: Path, *, selectors: Sequence[str] = (), keep_problems: bool = False) -> Repository:
    """Read a fleet repository. `selectors` are names or globs of blueprints; one that matches none is refused.

    Raises with everything that is wrong with the documents themselves, unless `keep_problems`.
    """
    if not root.is_dir():
        raise fail(
            "no-repository",
            f"{root} is not a folder",
            exit_code=ExitCode.USAGE,
            subject=str(root),
            hint="give the folder of a fleet repository, with its blueprint.yaml",
        )
    own = _read(find_candidates(root))
    shipped = _read(_shipped_candidates())
    policies, problems = inherit(shipped.found["CompressionPolicy"] | own.found["CompressionPolicy"], own.broken)
    broken = own.broken | {
        ("CompressionPolicy", name) for name in own.found["CompressionPolicy"] if name not in policies
    }
    problems = shipped.problems + own.problems + problems
    if problems and not keep_problems:
        raise EdgewrightError(*problems)
    return Repository(
        root=root.resolve(),
        blueprints=_selected(own, selectors),
        fleets=own.found["Fleet"],
        compression_policies=cast("Mapping[str, Loaded[CompressionPolicy]]", policies),
        targets=shipped.found["Target"] | own.found["Target"],
        locks=own.found["Lock"],
        problems=tuple(problems),
        broken=frozenset(broken),
        unread=tuple(own.unread),
    )


def shipped_targets() -> Mapping[str, Loaded[Target]]:
    """The profiles that ship with edgewright, by name."""
    return _read(_shipped_candidates()).found["Target"]


def _shipped_candidates() -> Iterator[Candidate]:
    for folder in _SHIPPED_FOLDERS:
        yield from find_candidates(share_folder() / folder, prefix=f"{SHIPPED}{folder}/")


def _selected(shelf: _Shelf, selectors: Sequence[str]) -> dict[str, Loaded[Blueprint]]:
    blueprints: dict[str, Loaded[Blueprint]] = shelf.found["Blueprint"]
    known = [*blueprints, *(name for kind, name in shelf.broken if kind == "Blueprint")]
    for selector in selectors:
        if not fnmatch.filter(known, selector):
            raise fail(
                "unknown-blueprint",
                f"there is no blueprint {selector!r}",
                exit_code=ExitCode.USAGE,
                subject=selector,
                hint=did_you_mean(selector, known) or "the repository has no blueprint at all",
            )
    if not selectors:
        return blueprints
    chosen = {name for selector in selectors for name in fnmatch.filter(blueprints, selector)}
    return {name: loaded for name, loaded in blueprints.items() if name in chosen}


def _read(candidates: Iterable[Candidate]) -> _Shelf:
    shelf = _Shelf()
    for candidate in candidates:
        if candidate.problem is not None:
            shelf.problems.append(candidate.problem)
            shelf.unread.append(candidate.path)
        elif candidate.is_document:
            _read_document(candidate, shelf)
    return shelf


def _read_document(candidate: Candidate, shelf: _Shelf) -> None:
    path = candidate.path
    if candidate.size_bytes > SIZE_LIMIT_BYTES:
        message = f"{path} has {candidate.size_bytes:,} bytes, {SIZE_LIMIT_BYTES:,} allowed"
        hint = "split it into several documents"
        shelf.problems.append(Diagnostic("file-too-large", message, span=Span(path, 1, 1, 1, 1), hint=hint))
        shelf.unread.append(path)
        return
    parsed, problems = parse(candidate.data, path)
    spans = parsed.spans if parsed else SpanMap(path, {}, {})
    shelf.problems += problems[:ERRORS_SHOWN] + _rest(spans, len(problems) - ERRORS_SHOWN)
    if parsed is None:
        shelf.unread.append(path)
        return
    kind, problem = _kind_of(parsed)
    if kind is None:
        shelf.problems += [problem] if problem else []
        shelf.unread.append(path)
        return
    document, errors = validate(parsed, KINDS[kind])
    shelf.problems += errors
    if document is not None and not problems:
        shelf.add(kind, Loaded(path, document, parsed.spans, digest_bytes(candidate.data)))
        return
    name = _name_of(parsed.value)
    if name is not None:
        shelf.broken.add((kind, name))


def _kind_of(parsed: Parsed) -> tuple[str | None, Diagnostic | None]:
    value, spans = parsed.value, parsed.spans
    if not isinstance(value, dict):
        message = f"{spans.path} is not a mapping of keys to values"
        return None, Diagnostic(
            "not-a-document", message, span=spans.span(()), hint=f"start with apiVersion: {API_VERSION}"
        )
    for key in ("apiVersion", "kind"):
        if key not in value:
            hint = f"write apiVersion: {API_VERSION} and one of kind: {', '.join(sorted(KINDS))}"
            return None, Diagnostic("missing-key", f"the document lacks {key}", span=spans.span(()), hint=hint)
    version, kind = value["apiVersion"], value["kind"]
    if version != API_VERSION:
        message = f"apiVersion is {version!r}, {API_VERSION} is served"
        return None, Diagnostic("unknown-api-version", message, span=spans.span(("apiVersion",)))
    if not isinstance(kind, str) or kind not in KINDS:
        message = f"there is no kind {kind!r}"
        return None, Diagnostic(
            "unknown-kind", message, span=spans.span(("kind",)), hint=did_you_mean(str(kind), KINDS)
        )
    return kind, None


def validate(parsed: Parsed, model: type[Model]) -> tuple[Model | None, list[Diagnostic]]:
    """Make a document from parsed YAML, or say everything that is wrong with it, each at its place."""
    try:
        return model.model_validate_json(json.dumps(parsed.value), by_alias=True, by_name=False), []
    except ValidationError as error:
        details = error.errors(include_url=False)
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


def _name_of(value: Any) -> str | None:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else None
