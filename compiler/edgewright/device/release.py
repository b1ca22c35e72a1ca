"""The signed documents of a release, read into values.

Owns the shapes of statement.json and manifest.json as far as a device needs them, and the rules for file names. Must
not check a signature or policy (`verify` does), nor touch the disk.

Invariants: a `Release` has only names that stay inside its folder, no name twice, no name that is a folder of another
one; sizes are bounded.
"""

from __future__ import annotations

import calendar
import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgewright.device.documents import KEBAB, Fields, parse_object
from edgewright.device.layout import LARGEST_RELEASE
from edgewright.device.refusal import Refusal

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://edgewright.dev/attestation/release/v0.1"
MANIFEST_TYPE = "application/vnd.cncf.model.manifest.v1+json"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
VERSION = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})")
FOLDERS = ("artifact", "wheels", "agent")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+!@=,-]*|\.[A-Za-z0-9_][A-Za-z0-9._+-]*")
LARGEST_BLOB_BYTES = 64 * 2**30
LARGEST_RELEASE_BYTES = 128 * 2**30
MOST_FILES = 4096


@dataclass(frozen=True)
class File:
    """One file of a release: where it goes and which blob it is."""

    path: str
    digest_hex: str
    size_bytes: int
    executable: bool


@dataclass(frozen=True)
class Statement:
    """What was signed, for one target."""

    blueprint: str
    version: str
    release: int
    created_wall: float
    expires_wall: float
    fleet: str
    targets: tuple[str, ...]
    backend: str
    recipe: str
    manifest_hex: str
    blobs: frozenset[tuple[str, int]]


@dataclass(frozen=True)
class Release:
    """A statement together with the manifest it vouches for."""

    statement: Statement
    files: tuple[File, ...]

    @property
    def number(self) -> int:
        """The release number."""
        return self.statement.release

    def blobs(self) -> dict[str, int]:
        """Size by digest, each blob once."""
        return {file.digest_hex: file.size_bytes for file in self.files}


def instant(text: str, name: str, slug: str) -> float:
    """Seconds since 1970 of an RFC 3339 time in UTC, with or without a fraction."""
    plain = re.sub(r"\.[0-9]{1,9}(?=Z$)", "", text)
    try:
        return float(calendar.timegm(time.strptime(plain, "%Y-%m-%dT%H:%M:%SZ")))
    except (ValueError, OverflowError):
        raise Refusal(slug, f"{name} is {text[:40]!r}, not a time like 2026-01-31T12:00:00Z") from None


def release_number(version: str, slug: str = "statement-invalid") -> int:
    """major * 1,000,000 + minor * 1,000 + patch."""
    match = VERSION.fullmatch(version)
    if not match:
        raise Refusal(slug, f"version {version[:40]!r} is not major.minor.patch")
    major, minor, patch = (int(part) for part in match.groups())
    return major * 1_000_000 + minor * 1_000 + patch


def _refuse_other_target(target: str, known: list[str]) -> Refusal:
    shown = ", ".join(sorted(known)[:8])
    return Refusal(
        "release-for-other-target",
        f"the release has no variant for target {target}, it has {shown or 'none'}",
        hint="give this device a target that the blueprint builds for",
    )


def parse_statement(content: bytes, target: str) -> Statement:
    """The statement as far as it concerns `target`; refuses `statement-invalid` and `release-for-other-target`."""
    slug = "statement-invalid"
    document = parse_object(content, "statement.json", slug)
    top = Fields(document, "statement.json", slug)
    if top.text("_type") != STATEMENT_TYPE or top.text("predicateType") != PREDICATE_TYPE:
        raise Refusal(slug, f"statement.json is not an in-toto statement of type {PREDICATE_TYPE}")
    predicate = top.child("predicate")
    targets = predicate.object("targets")
    if target not in targets:
        raise _refuse_other_target(target, list(targets))
    variant = predicate.child("targets").child(target)
    manifest = variant.text("manifest", DIGEST).partition(":")[2]
    subjects = [
        subject
        for subject in top.array("subject", 10_000)
        if isinstance(subject, Mapping) and subject.get("name") == target
    ]
    if [subject.get("digest") for subject in subjects] != [{"sha256": manifest}]:
        raise Refusal(slug, f"statement.json does not vouch exactly once for the manifest of {target}")
    blobs = set()
    for position, blob in enumerate(variant.array("blobs")):
        fields = Fields(blob if isinstance(blob, Mapping) else {}, f"statement.json: blobs[{position}]", slug)
        digest = fields.text("digest", DIGEST).partition(":")[2]
        blobs.add((digest, fields.integer("size", 0, LARGEST_BLOB_BYTES)))
    version = predicate.text("version")
    number = predicate.integer("release", 1, LARGEST_RELEASE)
    if release_number(version) != number:
        raise Refusal(
            slug, f"statement.json: release is {number}, version {version} has number {release_number(version)}"
        )
    return Statement(
        blueprint=predicate.text("blueprint", KEBAB),
        version=version,
        release=number,
        created_wall=instant(predicate.text("created"), "statement.json: created", slug),
        expires_wall=instant(predicate.text("expires"), "statement.json: expires", slug),
        fleet=predicate.text("fleet"),
        targets=tuple(sorted(targets)),
        backend=variant.text("backend"),
        recipe=variant.text("recipe"),
        manifest_hex=manifest,
        blobs=frozenset(blobs),
    )


def check_path(path: str, slug: str = "manifest-mismatch") -> str:
    """A relative path of plain names under one of FOLDERS, or a refusal."""
    parts = path.split("/")
    if len(path) > 240 or len(parts) < 2 or parts[0] not in FOLDERS or not all(NAME.fullmatch(part) for part in parts):
        raise Refusal(slug, f"manifest.json has the unsafe path {path[:120]!r}")
    return path


def parse_manifest(content: bytes, statement: Statement, target: str) -> tuple[File, ...]:
    """The files of a manifest; refuses `manifest-mismatch` unless it is exactly what the statement vouches for."""
    slug = "manifest-mismatch"
    digest = hashlib.sha256(content).hexdigest()
    if digest != statement.manifest_hex:
        raise Refusal(
            slug, f"manifest.json has digest sha256:{digest}, the statement says sha256:{statement.manifest_hex}"
        )
    top = Fields(parse_object(content, "manifest.json", slug), "manifest.json", slug)
    top.integer("schemaVersion", 2, 2)
    if top.text("artifactType") != MANIFEST_TYPE:
        raise top.refuse("artifactType", f"is not {MANIFEST_TYPE}")
    annotated = top.child("annotations").text("dev.edgewright.target")
    if annotated != target:
        raise Refusal(
            "release-for-other-target", f"manifest.json is for target {annotated[:80]}, this device is {target}"
        )
    files = [_file(layer, number, statement) for number, layer in enumerate(top.array("layers", MOST_FILES))]
    _refuse_collisions([file.path for file in files])
    total = sum(file.size_bytes for file in files)
    if total > LARGEST_RELEASE_BYTES:
        raise Refusal(slug, f"manifest.json describes {total} bytes, {LARGEST_RELEASE_BYTES} are allowed")
    return tuple(sorted(files, key=lambda file: file.path))


def _file(layer: Any, number: int, statement: Statement) -> File:
    slug = "manifest-mismatch"
    fields = Fields(layer if isinstance(layer, Mapping) else {}, f"manifest.json: layers[{number}]", slug)
    annotations = fields.child("annotations")
    mode = annotations.text("dev.edgewright.mode")
    if mode not in ("0644", "0755"):
        raise annotations.refuse("dev.edgewright.mode", f"is {mode[:20]!r}, 0644 and 0755 are allowed")
    file = File(
        path=check_path(annotations.text("dev.edgewright.path")),
        digest_hex=fields.text("digest", DIGEST).partition(":")[2],
        size_bytes=fields.integer("size", 0, LARGEST_BLOB_BYTES),
        executable=mode == "0755",
    )
    if (file.digest_hex, file.size_bytes) not in statement.blobs:
        raise Refusal(slug, f"manifest.json: {file.path} is a blob that the statement does not vouch for")
    return file


def _refuse_collisions(paths: list[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise Refusal("manifest-mismatch", f"manifest.json has the path {path} twice")
        seen.add(path)
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in seen:
                raise Refusal(
                    "manifest-mismatch", f"manifest.json has {'/'.join(parts[:depth])} as a file and as a folder"
                )
