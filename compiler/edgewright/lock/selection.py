"""Which entries `lock --upgrade` asks for again: names or globs of entries, or of packages within them.

Pure. A package is one wheel of a runtime, or the package that the model is in; all else of its entry stays.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgewright.kernel.diagnostics import ExitCode, did_you_mean, fail
from edgewright.lock.wanted import Wanted


def package_name(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class Selection:
    """The patterns of one run."""

    patterns: tuple[str, ...] = ()

    def has_entry(self, wanted: Wanted) -> bool:
        """The whole entry is asked for again."""
        names = [wanted.name, *([package_name(str(wanted.request["package"]))] if "package" in wanted.request else [])]
        return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in self.patterns)

    def has_package(self, package: str) -> bool:
        """One wheel is asked for again."""
        return any(fnmatch.fnmatchcase(package_name(package), package_name(pattern)) for pattern in self.patterns)

    def require_matches(self, wanted: Iterable[Wanted]) -> None:
        """Refuse a pattern that matches nothing in any lock."""
        listed = list(wanted)
        for pattern in self.patterns:
            one = Selection((pattern,))
            if not any(one.has_entry(w) or any(one.has_package(x.package) for x in w.wheels) for w in listed):
                raise fail(
                    "unknown-entry",
                    f"no entry or package of a lock matches {pattern[:80]!r}",
                    exit_code=ExitCode.USAGE,
                    subject=pattern[:80],
                    hint=did_you_mean(pattern, _names(listed)),
                )


def _names(wanted: Sequence[Wanted]) -> set[str]:
    packages = {wheel.package for want in wanted for wheel in want.wheels}
    return packages | {want.name for want in wanted}
