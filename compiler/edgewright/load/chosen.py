"""Choosing blueprints by name or glob, as `--blueprint` does."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Sequence

from edgewright.kernel.diagnostics import ExitCode, did_you_mean, fail


def chosen_names(known: Collection[str], selectors: Sequence[str]) -> list[str]:
    """The names that a selector matches, sorted; all of them without one. A selector that matches none is refused."""
    for selector in selectors:
        if not fnmatch.filter(known, selector):
            raise fail(
                "unknown-blueprint",
                f"there is no blueprint {selector!r}",
                exit_code=ExitCode.USAGE,
                subject=selector,
                hint=did_you_mean(selector, known) or "the repository has no blueprint at all",
            )
    if not selectors:
        return sorted(set(known))
    return sorted({name for selector in selectors for name in fnmatch.filter(known, selector)})
