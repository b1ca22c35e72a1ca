"""The files that diagnostics point into: how their paths are shown, and the lines to show of them.

Reads files, each once and up to a limit; knows nothing of forms. Invariant: a file that cannot be shown is no error.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edgewright.kernel.diagnostics import Span
from edgewright.kernel.secrets import mask_secrets

_LIMIT_BYTES = 2 << 20
SHIPPED = "edgewright:"
"""Starts the path of a document that ships with edgewright."""


class Sources:
    """The lines of the files below some folders; without the secrets that are recognised in them."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = roots
        self._lines: dict[str, list[str]] = {}

    def line(self, span: Span) -> str | None:
        """The line where a span starts, without its end; None when it cannot be shown."""
        if span.path not in self._lines:
            self._lines[span.path] = self._read(span.path)
        lines = self._lines[span.path]
        if span.line > len(lines):
            return None
        return mask_secrets(lines[span.line - 1].rstrip("\r").replace("\t", " "))

    def shown_path(self, path: str) -> str:
        """A path as the user would write it from here."""
        if path.startswith((SHIPPED, "/")):
            return path
        root = next((root for root in self.roots if (root / path).exists()), Path())
        return (root / path).as_posix()

    def path_from_here(self, path: str) -> str:
        """A path for machines: relative to the current folder, with `/`, where it lies below that folder."""
        shown = self.shown_path(path)
        if shown.startswith(SHIPPED):
            return shown
        relative = os.path.relpath(shown)
        return Path(shown).absolute().as_posix() if relative.startswith("..") else Path(relative).as_posix()

    def _read(self, name: str) -> list[str]:
        path = self._file(name)
        try:
            if path is None or path.stat().st_size > _LIMIT_BYTES:
                return []
            return path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return []

    def _file(self, path: str) -> Path | None:
        if path.startswith(SHIPPED):
            from edgewright.kernel.resources import share_folder

            return share_folder() / path.removeprefix(SHIPPED)
        return next((root / path for root in self.roots if (root / path).is_file()), None)
