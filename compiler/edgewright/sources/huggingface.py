"""The `huggingface` source: a repository of a model hub at one commit.

Owns which files of a repository are taken and the cache that makes the hub unnecessary afterwards. Invariants: a commit
resolves to the same files for ever; a file is used only when it has the digest of the lock, or, before there is a lock,
the id that the commit gives it (SHA-256 of large files, Git's blob id of small ones).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from edgewright.kernel.diagnostics import EdgewrightError, fail
from edgewright.kernel.digest import canonical_json, digest_bytes, digest_file, hex_of, is_digest
from edgewright.kernel.files import is_safe_relative, write_atomic
from edgewright.plugins.protocols import FileDigest, Resolved, SourceContext
from edgewright.plugins.wheels import digest_mismatch
from edgewright.sources.deposit import LIMITS, chunks, deposit, measure, not_found, offline_not_cached, unsafe_name
from edgewright.sources.download import fetch
from edgewright.sources.hub import Entry, hub_from_environment
from edgewright.spec.v1beta1.blueprint import HuggingFaceSource as Options

_WEIGHTS = ".safetensors"
_TAKEN = (_WEIGHTS, ".json", ".txt", ".model", ".jinja")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack")
_SKIPPED_FOLDERS = ("onnx/", "openvino/", "coreml/", "runs/", "original/")


class HuggingFaceSource:
    """Takes safetensors, tokenizer and configuration; with `file`, that one file (a GGUF among many)."""

    def resolve(self, options: Options, context: SourceContext) -> Resolved:
        """The files of the commit. Large ones are not fetched: the hub's tree has their digests."""
        memory = _memory(options, context)
        known = None if context.fresh else _remembered(memory)
        if known is not None:
            return known
        if _is_offline(context):
            known = _from_hub_cache(options)
            if known is None:
                raise offline_not_cached(_subject(options))
            return known
        hub = hub_from_environment()
        chosen = _chosen(options, list(hub.tree(options.repository, options.revision)))
        LIMITS.check(len(chosen), sum(entry.size for entry in chosen), _subject(options))
        files = tuple(_resolved(options, context, entry) for entry in sorted(chosen, key=lambda entry: entry.path))
        found = Resolved(files, hub.license(options.repository, options.revision))
        write_atomic(
            memory,
            canonical_json({"files": [[f.name, f.digest, f.size] for f in files], "license": found.license}),
        )
        return found

    def acquire(self, options: Options, locked: tuple[FileDigest, ...], context: SourceContext, folder: Path) -> None:
        """Write the locked files, from the cache where it has them."""
        for file in locked:
            if not is_safe_relative(file.name):
                raise unsafe_name(file.name)
            with _blob(options, context, file).open("rb") as stream:
                deposit(stream, file, folder, origin=_subject(options))


def _subject(options: Options) -> str:
    return f"{options.repository} at {options.revision[:12]}"


def _is_offline(context: SourceContext) -> bool:
    return context.offline or os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}


def _memory(options: Options, context: SourceContext) -> Path:
    identity = digest_bytes(canonical_json([options.repository, options.revision, options.file]))
    return context.cache / "huggingface" / "resolved" / f"{hex_of(identity)}.json"


def _remembered(memory: Path) -> Resolved | None:
    try:
        document = json.loads(memory.read_bytes())
        files = tuple(FileDigest(str(name), str(digest), int(size)) for name, digest, size in document["files"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if not files or not all(is_digest(file.digest) for file in files):
        return None
    return Resolved(files, document.get("license"))


def _chosen(options: Options, entries: list[Entry]) -> list[Entry]:
    for entry in entries:
        if not is_safe_relative(entry.path):
            raise unsafe_name(entry.path)
    paths = [entry.path for entry in entries]
    if options.file is not None:
        chosen = [entry for entry in entries if entry.path == options.file]
        if not chosen:
            raise not_found(
                _subject(options), options.file, [p for p in paths if p.endswith((_WEIGHTS, ".gguf"))] or paths
            )
        return chosen
    chosen = [e for e in entries if e.path.endswith(_TAKEN) and not e.path.startswith(_SKIPPED_FOLDERS)]
    if not any(entry.path.endswith(_WEIGHTS) for entry in chosen):
        pickles = [path for path in paths if path.endswith(_PICKLES)]
        found = f"only {', '.join(pickles[:3])}, which can run code when loaded" if pickles else "no weights"
        raise fail(
            "no-readable-weights",
            f"{_subject(options)} has no safetensors: {found}",
            subject=options.repository,
            hint="name a commit that has *.safetensors, or one GGUF file with `file`",
        )
    return chosen


def _resolved(options: Options, context: SourceContext, entry: Entry) -> FileDigest:
    """Digest of a file of the commit; small ones are fetched for it and held to Git's blob id."""
    if entry.sha256 is not None:
        return FileDigest(entry.path, f"sha256:{entry.sha256}", entry.size)
    folder = context.cache / "huggingface"

    def verify(path: Path) -> EdgewrightError | None:
        found = _git_blob_id(path)
        if found == entry.blob_id:
            return None
        return digest_mismatch(f"{entry.path} of {_subject(options)}", f"git:{entry.blob_id}", f"git:{found}")

    request = hub_from_environment().file(options.repository, options.revision, entry.path, entry.size)
    path = fetch(request, folder / "git" / entry.blob_id, verify)
    with path.open("rb") as stream:
        file = measure(entry.path, stream)
    blob = folder / "sha256" / hex_of(file.digest)
    blob.parent.mkdir(parents=True, exist_ok=True)
    path.replace(blob)
    return file


def _git_blob_id(path: Path) -> str:
    """Git's id of a file: SHA-1 over a header and the content; an identity check that the commit pins, no more."""
    state = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        for chunk in chunks(stream):
            state.update(chunk)
    return state.hexdigest()


def _blob(options: Options, context: SourceContext, file: FileDigest) -> Path:
    """Path of a locked file's content: in our cache, in the hub client's own cache, or fetched."""
    target = context.cache / "huggingface" / "sha256" / hex_of(file.digest)
    verify = _verifier(options, file)
    if target.is_file() and verify(target) is None:
        return target
    snapshot = _snapshot(options) / file.name
    if snapshot.is_file() and verify(snapshot) is None:
        return snapshot
    if _is_offline(context):
        raise offline_not_cached(f"{file.name} of {_subject(options)}")
    request = hub_from_environment().file(options.repository, options.revision, file.name, file.size)
    return fetch(request, target, verify)


def _verifier(options: Options, file: FileDigest) -> Callable[[Path], EdgewrightError | None]:
    def verify(path: Path) -> EdgewrightError | None:
        found = digest_file(path)
        if found == file.digest:
            return None
        return digest_mismatch(f"{file.name} of {_subject(options)}", file.digest, found)

    return verify


def _snapshot(options: Options) -> Path:
    """Where the hub's own client keeps this commit (`HF_HUB_CACHE`, `HF_HOME`); read, never written."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    return hub / f"models--{options.repository.replace('/', '--')}" / "snapshots" / options.revision


def _from_hub_cache(options: Options) -> Resolved | None:
    """The files of a commit that the hub's own client downloaded earlier: its links lead into its blobs."""
    root = _snapshot(options)
    if not root.is_dir():
        return None
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    chosen = _chosen(options, [Entry(path, (root / path).stat().st_size, "", None) for path in paths])
    LIMITS.check(len(chosen), sum(entry.size for entry in chosen), _subject(options))
    files = []
    for entry in chosen:
        with (root / entry.path).open("rb") as stream:
            files.append(measure(entry.path, stream))
    return Resolved(tuple(files))
