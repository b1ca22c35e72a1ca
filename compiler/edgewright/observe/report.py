"""Reports: what a device told when it was asked for everything, checked field by field.

Owns the reading of the agent's answer. Must not compare it with anything. Invariants: the device is hostile, so every
list is cut, every number bounded, every text made one printable line; what is not understood is None, never a default
that looks healthy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Reach = Literal["answered", "absent", "none", "failed"]
What = Literal["changed", "missing", "extra", "link", "unsigned"]
MOST_FINDINGS = 32
_LARGEST_RELEASE = 10**12
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORDS: tuple[What, ...] = ("changed", "missing", "extra", "link", "unsigned")
_STATES = frozenset({"idle", "fetching", "staged", "active-unconfirmed", "confirmed", "reverted"})


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A file that is not as signed; its path is relative to the blueprint's folder on the device."""

    path: str
    what: What


@dataclass(frozen=True, slots=True)
class Files:
    """What the comparison of a release's files found. `more` findings were counted and not listed."""

    findings: tuple[Finding, ...]
    more: int
    is_complete: bool
    manifest: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """One device. Releases are numbers; digests are hexadecimal SHA-256; None is what it did not tell."""

    device: str
    reach: Reach
    slug: str | None = None
    message: str | None = None
    state: str | None = None
    current: int | None = None
    confirmed: int | None = None
    denied: frozenset[int] = frozenset()
    reverted: tuple[int, str, str] | None = None
    serves: int | None = None
    is_ready: bool = False
    unhealthy: str | None = None
    options: str | None = None
    applied_options: str | None = None
    signers: str | None = None
    files: Files | None = None


def read_report(
    device: str, reach: Reach, answer: Mapping[str, Any], slug: str | None = None, message: str | None = None
) -> DeviceReport:
    """The report in an agent's answer to `observe --files`; an answer of another shape is `answer-invalid`."""
    if reach != "answered":
        return DeviceReport(device, reach, shown(slug, 80), shown(message, 500))
    state = answer.get("state")
    files = _files(answer.get("files"))
    if (
        not isinstance(state, str)
        or state not in _STATES
        or "current" not in answer
        or (files is None and answer.get("current") is not None)
    ):
        said = f"{device} answered with something that is not an observation with files"
        return DeviceReport(device, "failed", "answer-invalid", said)
    documents = _mapping(answer.get("documents"))
    return DeviceReport(
        device=device,
        reach="answered",
        state=str(state),
        current=_number(answer.get("current")),
        confirmed=_number(answer.get("confirmed")),
        denied=_denied(answer.get("denied")),
        reverted=_reverted(answer.get("reverted")),
        serves=_number(_mapping(answer.get("service")).get("release")),
        is_ready=answer.get("ready") is True,
        unhealthy=_unhealthy(answer.get("health"), _number(answer.get("current"))),
        options=_digest(documents.get("options")),
        applied_options=_digest(documents.get("applied")),
        signers=_digest(documents.get("signers")),
        files=files,
    )


def shown(value: Any, longest: int) -> str | None:
    """A text as it may be shown: one line, printable, cut; None for anything that is no text."""
    if not isinstance(value, str):
        return None
    line = " ".join(value[: longest * 8].split())
    return "".join(character for character in line if character.isprintable())[:longest]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST_RELEASE else None


def _digest(value: Any) -> str | None:
    return value if isinstance(value, str) and _DIGEST.fullmatch(value) else None


def _denied(value: Any) -> frozenset[int]:
    names = [name for name in list(_mapping(value))[:1000] if isinstance(name, str) and name.isascii()]
    return frozenset(int(name) for name in names if name.isdecimal() and len(name) <= 12)


def _reverted(value: Any) -> tuple[int, str, str] | None:
    entry = _mapping(value)
    left = _number(entry.get("from"))
    if left is None:
        return None
    return left, shown(entry.get("slug"), 80) or "reverted", shown(entry.get("message"), 500) or ""


def _unhealthy(value: Any, current: int | None) -> str | None:
    """Why the last self-test of the release that runs was red."""
    verdict = _mapping(value)
    if verdict.get("ok") is not False or _number(verdict.get("release")) != current:
        return None
    error = _mapping(verdict.get("error"))
    return f"{shown(error.get('slug'), 80) or 'unhealthy'}: {shown(error.get('message'), 300) or 'no reason given'}"


def _files(value: Any) -> Files | None:
    if not isinstance(value, Mapping):
        return None
    listed = value.get("findings")
    findings = [_finding(entry) for entry in listed[:MOST_FINDINGS]] if isinstance(listed, list) else []
    understood = [finding for finding in findings if finding is not None]
    more = value.get("more")
    is_counted = isinstance(more, int) and not isinstance(more, bool) and 0 <= more < _LARGEST_RELEASE
    is_read = isinstance(listed, list) and len(understood) == len(listed)
    return Files(
        findings=tuple(sorted(set(understood))),
        more=more if is_counted and isinstance(more, int) else 0,
        is_complete=value.get("complete") is True and is_read,
        manifest=_digest(value.get("manifest")),
        problem=shown(_mapping(value.get("error")).get("message"), 300),
    )


def _finding(value: Any) -> Finding | None:
    entry = _mapping(value)
    path, what = shown(entry.get("path"), 240), entry.get("what")
    return Finding(path, what) if path and what in _WORDS else None
