"""A target or policy of the repository that takes the place of a shipped one is meant to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edgewright.check.rule import warning_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic, Severity
from edgewright.kernel.resources import share_folder


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Names of the repository's own targets and policies against those of shipped files, which are named alike."""
    share = share_folder()
    for word, documents, folder in (
        ("target", whole.own_targets, share / "targets" / "profiles"),
        ("policy", whole.own_policies, share / "blueprints" / "policies"),
    ):
        shipped = _names(folder)
        for name, loaded in documents:
            if name in shipped:
                message = f"the {word} {name} takes the place of the one that ships with edgewright"
                hint = "give it a name of its own, if blueprints should still be able to use the shipped one"
                place = ("metadata", "name")
                yield warning_at(loaded, "name-shadowed", message, place, hint=hint, severity=Severity.NOTE)


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.stem for path in folder.glob("*.yaml"))
