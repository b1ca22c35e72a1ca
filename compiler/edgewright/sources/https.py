"""The `https` source: one file, or a zip or tar archive of a model folder, at an address, with its digest.

Owns the naming of what is fetched. Invariant: content is used only after its digest was found equal to the blueprint's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.kernel.digest import digest_file
from edgewright.kernel.files import is_safe_relative
from edgewright.plugins.protocols import FileDigest, Resolved, SourceContext
from edgewright.plugins.wheels import digest_mismatch
from edgewright.sources.archive import is_archive_name, members
from edgewright.sources.deposit import LIMITS, deposit, measure, not_found, offline_not_cached
from edgewright.sources.download import Request, check_url, fetch
from edgewright.spec.v1beta1.blueprint import HttpsSource as Options


class HttpsSource:
    """Fetches by address and digest. With `file`, only that member of an archive, or the name a lone file gets."""

    def resolve(self, options: Options, context: SourceContext) -> Resolved:
        """Fetch, unless the cache has it, and digest every file."""
        path = _fetched(options, context)
        with _files(path, options) as found:
            files = [measure(name, stream) for name, stream in found]
        if not files:
            raise not_found(_subject(options), options.file or "file", _names(path, options))
        return Resolved(tuple(sorted(files, key=lambda file: file.name)))

    def acquire(self, options: Options, locked: tuple[FileDigest, ...], context: SourceContext, folder: Path) -> None:
        """Write the locked files."""
        wanted = {file.name: file for file in locked}
        with _files(_fetched(options, context), options) as found:
            for name, stream in found:
                file = wanted.pop(name, None)
                if file is not None:
                    deposit(stream, file, folder, origin=_subject(options))
        if wanted:
            raise not_found(_subject(options), min(wanted), [])


def _subject(options: Options) -> str:
    return Request(str(options.url), 0).shown


def _fetched(options: Options, context: SourceContext) -> Path:
    expected = f"sha256:{options.sha256}"
    target = context.cache / "https" / options.sha256

    def verify(path: Path) -> EdgewrightError | None:
        found = digest_file(path)
        return None if found == expected else digest_mismatch(_subject(options), expected, found)

    check_url(str(options.url))
    if context.offline and not (target.is_file() and verify(target) is None):
        raise offline_not_cached(_subject(options))
    return fetch(Request(str(options.url), LIMITS.total_bytes), target, verify)


@contextmanager
def _files(path: Path, options: Options) -> Iterator[Iterator[tuple[str, BinaryIO]]]:
    last = PurePosixPath(options.url.path or "").name
    if is_archive_name(last):
        yield _archive_files(path, options)
        return
    name = options.file or last
    if not is_safe_relative(name):
        raise not_found(_subject(options), "file name at its end: say with `file` how to name it", [])
    with path.open("rb") as stream:
        yield iter([(name, stream)])


def _archive_files(path: Path, options: Options) -> Iterator[tuple[str, BinaryIO]]:
    prefix = "" if options.file is not None else _common_folder(_names(path, options))
    for name, stream in members(path, subject=_subject(options)):
        if options.file is None or name == options.file:
            yield name.removeprefix(prefix), stream


def _names(path: Path, options: Options) -> list[str]:
    if not is_archive_name(PurePosixPath(options.url.path or "").name):
        return []
    return [name for name, _ in members(path, subject=_subject(options))]


def _common_folder(names: list[str]) -> str:
    """`model-1.0/` when everything lies in that one folder, as in most tar archives; else nothing."""
    tops = {name.partition("/")[0] for name in names}
    return f"{tops.pop()}/" if len(tops) == 1 and all("/" in name for name in names) else ""
