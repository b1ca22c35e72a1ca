"""Verification of a release, before anything is rolled out from it.

Owns the checks: signature, statement, evidence, index, manifests, blobs, expiry. Each target's documents are also read
by the device's own parser, so that what passes here is not refused there. Invariant: the signature is checked before
the statement is interpreted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args

from edgewright.device.refusal import Refusal
from edgewright.device.release import parse_manifest, parse_statement
from edgewright.kernel.clock import now, rfc3339
from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, fail
from edgewright.kernel.digest import Digest, digest_bytes
from edgewright.kernel.files import read_bounded
from edgewright.package.contents import ARTIFACT_TYPE
from edgewright.package.oci import LARGEST_DOCUMENT_BYTES, MANIFEST_TYPE, OciLayout, tampered
from edgewright.package.signing import verify_signature
from edgewright.package.statement import ReleasePredicate, ReleaseStatement, TargetStatement, read_statement
from edgewright.package.view import Layer, ReleaseView, Role, TargetRelease


def verify_release(
    dist: Path, *, allowed_signers: bytes | None = None, deep: bool = True, moment: datetime | None = None
) -> ReleaseView:
    """Verify `dist/<blueprint>`.

    `allowed_signers` is the trusted list; without one the release's own list is taken, which shows that the release is
    whole, not that the right person signed it (each device holds it to a list of its own). With `deep` the content of
    every blob is read; without, its presence and size are checked.
    """
    evidence = dist / "evidence"
    data = _read(evidence / "statement.json")
    signers = allowed_signers if allowed_signers is not None else _read(evidence / "allowed_signers")
    principal = verify_signature(data, _read(evidence / "statement.json.sig"), signers)
    statement = read_statement(data)
    predicate = statement.predicate
    _check_time(evidence / "statement.json", predicate, moment or now())
    _check_evidence(evidence, predicate)
    layout = OciLayout(dist / "release")
    _check_index(layout, predicate)
    targets = {name: _target(layout, data, name, promised) for name, promised in sorted(predicate.targets.items())}
    for digest, size in sorted({(layer.digest, layer.size) for target in targets.values() for layer in target.layers}):
        layout.verify(digest, size, deep=deep)
    return _view(dist, statement, principal, targets)


def _view(dist: Path, statement: ReleaseStatement, principal: str, targets: Mapping[str, TargetRelease]) -> ReleaseView:
    predicate = statement.predicate
    return ReleaseView(
        path=dist,
        blueprint=predicate.blueprint,
        version=predicate.version,
        number=predicate.release,
        created=predicate.created,
        expires=predicate.expires,
        fleet=predicate.fleet,
        principal=principal,
        targets=targets,
    )


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, LARGEST_DOCUMENT_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise fail(
            "release-missing",
            f"{path} does not exist: there is no release",
            exit_code=ExitCode.MISSING,
            subject=str(path),
            hint="run edgewright compile first",
        ) from None


def _check_time(path: Path, predicate: ReleasePredicate, moment: datetime) -> None:
    current = rfc3339(moment)
    # RFC 3339 times of one zone and one precision compare as texts.
    if current >= predicate.expires:
        raise fail(
            "release-expired",
            f"{predicate.blueprint} {predicate.version} expired {predicate.expires}, it is {current}",
            subject=str(path),
            hint="compile it again with a later version; spec.release.expiresAfter says how long a release lives",
        )


def _check_evidence(folder: Path, predicate: ReleasePredicate) -> None:
    promised = {
        "provenance.json": predicate.evidence.provenance,
        "test-results.json": predicate.evidence.test_results,
        "sbom.cdx.json": predicate.evidence.sbom,
    }
    for name, digest in promised.items():
        found = digest_bytes(_read(folder / name))
        if found != digest:
            raise tampered(folder / name, digest, found)


def _check_index(layout: OciLayout, predicate: ReleasePredicate) -> None:
    listed: dict[str, Digest] = {}
    for entry in layout.read_index()["manifests"]:
        marks = entry.get("annotations", {}) if isinstance(entry, dict) else {}
        target = marks.get("dev.edgewright.target") if isinstance(marks, dict) else None
        if not isinstance(target, str) or target in listed or entry.get("mediaType") != MANIFEST_TYPE:
            raise _mismatch(layout, "has an entry that names no target, or a target twice")
        listed[target] = str(entry.get("digest"))
    promised = {name: target.manifest for name, target in predicate.targets.items()}
    if listed != promised:
        differing = sorted(set(listed.items()) ^ set(promised.items()))
        raise _mismatch(layout, f"does not list the signed manifests: {', '.join(sorted({n for n, _ in differing}))}")


def _mismatch(layout: OciLayout, reason: str) -> EdgewrightError:
    path = str(layout.root / "index.json")
    return fail("index-mismatch", f"index.json {reason}", subject=path, hint="run `edgewright package` again")


def _target(layout: OciLayout, statement: bytes, name: str, promised: TargetStatement) -> TargetRelease:
    manifest = layout.read_json(promised.manifest)
    try:
        # The device's own parser has the last word on what a device takes.
        parse_manifest(_read(layout.path_of(promised.manifest)), parse_statement(statement, name), name)
    except Refusal as refusal:
        raise fail(refusal.slug, f"{name}: {refusal.message}", subject=name, hint=refusal.hint) from None
    layers = tuple(_layer(entry, name) for entry in manifest["layers"])
    if [layer.path for layer in layers] != sorted(layer.path for layer in layers):
        raise fail("manifest-mismatch", f"the manifest of {name} does not list its files in order", subject=name)
    if manifest.get("artifactType") != ARTIFACT_TYPE or not any(layer.role == "agent" for layer in layers):
        raise fail("manifest-mismatch", f"the manifest of {name} has no agent", subject=name)
    if {(layer.digest, layer.size) for layer in layers} != {(blob.digest, blob.size) for blob in promised.blobs}:
        raise fail("manifest-mismatch", f"the manifest of {name} has other blobs than the statement", subject=name)
    config = manifest.get("config", {})
    layout.verify(str(config.get("digest")), int(config.get("size", -1)))
    return TargetRelease(name, promised.manifest, manifest, layers, promised.backend, promised.recipe)


def _layer(entry: Mapping[str, Any], target: str) -> Layer:
    marks = entry["annotations"]
    role, path = str(marks.get("dev.edgewright.role")), str(marks["dev.edgewright.path"])
    folder = {"artifact": "artifact", "wheel": "wheels", "agent": "agent"}.get(role)
    if role not in get_args(Role) or path.partition("/")[0] != folder:
        raise fail("manifest-mismatch", f"{path[:120]} of {target} has the role {role[:20]!r}", subject=target)
    mode = int(str(marks["dev.edgewright.mode"]), 8)
    return Layer(path, cast(Role, role), str(entry["digest"]), int(entry["size"]), mode)
