"""`check --fix`: applies certain fixes to the documents of a repository, round by round, and shows what it changed.

Owns reading and writing of the documents; how a text is mended is `check.fix`'s. Invariants: only documents of the
repository itself are written, never through a link, each whole or not at all; a second run changes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from edgewright.check.fix import mend, second_keys
from edgewright.cli.output.terminal import color_of, plain
from edgewright.kernel.beneath import read_beneath, replace_beneath
from edgewright.kernel.diagnostics import Diagnostic, Fix
from edgewright.kernel.secrets import mask_secrets
from edgewright.load.tree import SHIPPED
from edgewright.load.yaml12 import SIZE_LIMIT_BYTES

_ROUNDS = 5
"""A renamed key can show a mistake in its value, and a mended document what other documents say of it."""
_COLORS = {"+": "green", "-": "red", "@": "cyan"}


def mend_repository(root: Path, check: Callable[[], Iterable[Diagnostic]]) -> list[str]:
    """Apply what `check` offers until it offers nothing that can be applied; returns the paths of changed files."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for _ in range(_ROUNDS):
        changed = _round(root, check(), after)
        for path, (old, new) in changed.items():
            before.setdefault(path, old)
            after[path] = new
        if not changed:
            break
    for path in sorted(after):
        _show(root, path, before[path], after[path])
    return sorted(after)


def _round(root: Path, diagnostics: Iterable[Diagnostic], written: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Apply the fixes of some diagnostics; for each file that changed, its text before and after."""
    changed: dict[str, tuple[str, str]] = {}
    found = list(diagnostics)
    crowded = {item.span.path for item in found if item.slug == "more-errors" and item.span is not None}
    for path, fixes in sorted(_by_file(found).items()):
        text = read_beneath(root, path, SIZE_LIMIT_BYTES).decode("utf-8")
        if path in written and written[path] != text:
            continue  # somebody edits it at this moment: leave it to them
        mended = mend(text, path, [*fixes, *second_keys(text, path)] if path in crowded else fixes)
        if mended.text != text:
            replace_beneath(root, path, mended.text.encode("utf-8"))
            changed[path] = (text, mended.text)
    return changed


def _by_file(diagnostics: Iterable[Diagnostic]) -> dict[str, list[Fix]]:
    found: dict[str, list[Fix]] = {}
    for diagnostic in diagnostics:
        fix = diagnostic.fix
        paths = {edit.span.path for edit in fix.edits} if fix else set()
        if fix is not None and len(paths) == 1 and not (path := next(iter(paths))).startswith(SHIPPED):
            found.setdefault(path, []).append(fix)
    return found


def _show(root: Path, path: str, before: str, after: str) -> None:
    """A short diff on stderr."""
    name = plain((root / path).as_posix())
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (mended)", n=0, lineterm="")
    for line in lines:
        click.secho(plain(mask_secrets(line)), err=True, fg=_COLORS.get(line[:1]), color=color_of("stderr"))
