"""Documents have names that no shell and no tool takes for something else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic, Span
from edgewright.load.tree import SHIPPED

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069$`;|&<>(){}\[\]*?!'\"\\#~]|(?:^|/)-")


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Paths of every document, wrong ones included: characters with a meaning for shells, and leading dashes."""
    repository = whole.repository
    paths = {loaded.path for loaded in whole.own_documents} | set(repository.unread)
    paths |= {problem.span.path for problem in repository.problems if problem.span is not None}
    for path in sorted(paths):
        found = _UNSAFE.search(path.removeprefix(SHIPPED))
        if found is not None and not path.startswith(SHIPPED):
            what = "a part that starts with -" if found[0].endswith("-") else f"the character {found[0]!r}"
            message = f"the path of this file has {what}: scripts and tools could take it for something else"
            hint = "rename it: letters, digits, . _ - and / are safe"
            yield Diagnostic("file-name-unsafe", message, span=Span(path, 1, 1, 1, 1), hint=hint)
