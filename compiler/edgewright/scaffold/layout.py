"""Files laid out in a folder: all of them or none, and never over anything that is there.

Owns the two ways: a new folder appears whole, by one rename; in a folder that exists every file is made only if nothing
has its name, and what was made is taken away again when one cannot be. Knows nothing of what the files say.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, ExitCode
from edgewright.kernel.files import remove_tree

_SHOWN = 10


def lay_out(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder; what is in the way is reported, all of it, and nothing is written then."""
    target = folder.resolve()
    if not target.exists():
        _lay_out_new(target, files)
        return
    found = conflicts(target, files)
    if found:
        raise _in_the_way(folder, found)
    _lay_out_beside(target, files)


def conflicts(folder: Path, names: Iterable[str]) -> list[str]:
    """What is in the way of files below a folder: the files themselves, and links or files where folders should be."""
    found: set[str] = set()
    for name in names:
        for parent in reversed(PurePosixPath(name).parents[:-1]):
            path = folder / parent
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                found.add(str(parent))
                break
        else:
            if os.path.lexists(folder / name):
                found.add(name)
    return sorted(found)


def _in_the_way(folder: Path, found: list[str]) -> EdgewrightError:
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    what = f"{found[0]} is" if len(found) == 1 else f"{len(found)} files are"
    return EdgewrightError(
        Diagnostic(
            "init-conflict",
            f"{what} in {folder} already; nothing was written",
            subject=str(folder),
            notes=(*found[:_SHOWN], *more),
            hint="name another folder, or move these away",
        ),
        exit_code=ExitCode.USAGE,
    )


def _lay_out_new(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        staging.chmod(0o755)
        _lay_out_beside(staging, files)
        staging.rename(folder)  # refused by the system if somebody has put files there since
    except BaseException:
        remove_tree(staging)
        raise


def _lay_out_beside(folder: Path, files: Mapping[str, bytes]) -> None:
    made: list[Path] = []
    try:
        for name, data in files.items():
            path = folder / name
            for parent in reversed(PurePosixPath(name).parents[:-1]):
                with suppress(FileExistsError):
                    (folder / parent).mkdir()
                    made.append(folder / parent)
            with path.open("xb") as stream:  # never follows a link, never opens what exists
                made.append(path)
                stream.write(data)
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise
