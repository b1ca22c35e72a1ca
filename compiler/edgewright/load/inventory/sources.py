"""Which files make an inventory: one file, or a folder of them, and the `group_vars` and `host_vars` beside.

Owns names and kinds, not content. Programs are never run: an executable file is refused, as what it would print is
unknown to the reviewer of a change. So are links and formats that are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Span, fail
from edgewright.load.inventory.files import Files

FILES_LIMIT = 20_000
_IGNORED = re.compile(
    r"^\.|^(?:host_vars|group_vars|vars_plugins)$|(?:\.(?:pyc|pyo|swp|bak|rpm|md|txt|rst|orig|cfg|retry)|~)$"
)
_VARIABLE_SUFFIXES = ("", ".yml", ".yaml", ".json")
_DEEPEST = 16
EXPORT_HINT = "export it where it may run: ansible-inventory -i FILE --list --yaml --output hosts.yaml"


def inventory_files(files: Files, path: str) -> list[str]:
    """Files of an inventory in the order in which they are read. Raises when there is none, or one that is not read."""
    kind = files.kind(path)
    if kind is None:
        hint = "paths start at the repository's root"
        raise fail("inventory-missing", f"the inventory {path} does not exist", subject=path, hint=hint)
    if kind != "folder":
        _require_static(path, kind)
        return [path]
    return list(_below(files, path, 0))


def _below(files: Files, folder: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise _too_deep(folder, depth)
    names = files.names(folder)
    _require_few(folder, len(names))
    for name in names:
        if _IGNORED.search(name):
            continue
        path = f"{folder}/{name}"
        kind = files.kind(path)
        if kind == "folder":
            yield from _below(files, path, depth + 1)
        else:
            _require_static(path, kind or "other")
            yield path


def _require_few(folder: str, count: int) -> None:
    if count > FILES_LIMIT:
        message = f"{folder} has {count:,} files, {FILES_LIMIT:,} allowed"
        hint = "write the hosts of several files into one, or the variables of hosts into their groups"
        raise fail("inventory-format", message, subject=folder, hint=hint)


def _too_deep(folder: str, depth: int) -> EdgewrightError:
    message = f"{folder} is {depth} folders deep, {_DEEPEST} allowed"
    return fail("inventory-format", message, subject=folder, hint="move its files up")


def _require_static(path: str, kind: str) -> None:
    span = Span(path, 1, 1, 1, 1)
    if kind == "executable":
        raise EdgewrightError(
            Diagnostic(
                "inventory-dynamic",
                f"{path} is executable; check and plan run no inventory",
                span=span,
                hint=f"{EXPORT_HINT}; if it is only text: chmod -x {PurePosixPath(path).name}",
            )
        )
    if kind == "link":
        message = f"{path} is a symbolic link, or is reached through one"
        raise fail("symlink", message, subject=path, hint="replace the link by what it points to")
    if kind != "file":
        raise fail("not-a-file", f"{path} is not a regular file", subject=path, hint="write it as a file of text")
    if path.endswith(".toml"):
        hint = "write it as YAML, JSON or INI"
        raise EdgewrightError(
            Diagnostic("inventory-format", f"{path} is TOML, which is not read", span=span, hint=hint)
        )


def variable_files(files: Files, inventory: str, folder_name: str) -> dict[str, str]:
    """Files of `group_vars` or `host_vars` beside an inventory, by the name of the group or host."""
    base = inventory if files.kind(inventory) == "folder" else str(PurePosixPath(inventory).parent)
    folder = folder_name if base == "." else f"{base}/{folder_name}"
    kind = files.kind(folder)
    if kind == "link":
        _require_static(folder, kind)
    if kind != "folder":
        return {}
    names = files.names(folder)
    _require_few(folder, len(names))
    found: dict[str, tuple[int, str]] = {}
    for name in names:
        for rank, suffix in enumerate(_VARIABLE_SUFFIXES):
            entity = name.removesuffix(suffix) if suffix else name
            if name.endswith(suffix) and entity and rank < found.get(entity, (len(_VARIABLE_SUFFIXES), ""))[0]:
                found[entity] = (rank, f"{folder}/{name}")
    return {entity: path for entity, (_, path) in found.items()}


def expand_variable_file(files: Files, path: str, depth: int = 0) -> Iterator[str]:
    """The files that one entry of `group_vars` or `host_vars` stands for: itself, or those of the folder it is."""
    kind = files.kind(path)
    if kind != "folder":
        _require_static(path, "file" if kind == "executable" else kind or "other")
        yield path
        return
    if depth > _DEEPEST:
        raise _too_deep(path, depth)
    for name in files.names(path):
        if name.startswith(".") or name.endswith("~"):
            continue
        inner = f"{path}/{name}"
        suffix = PurePosixPath(name).suffix
        if files.kind(inner) == "folder":
            if not suffix:
                yield from expand_variable_file(files, inner, depth + 1)
        elif suffix in _VARIABLE_SUFFIXES:
            yield from expand_variable_file(files, inner, depth + 1)
