"""No text waits for a template engine that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgewright.check.rule import warning_at
from edgewright.check.texts import texts_of
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic

_TEMPLATE = re.compile(r"\{\{|\{%|\$\{[A-Za-z_]|\$\([A-Za-z_]|%7[bB]%7[bB]|\$%7[bB]")


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Marks of Jinja, shells and make in texts that people write freely; a URL may have them encoded."""
    for loaded in whole.own_documents:
        for path, text in texts_of(loaded):
            if _TEMPLATE.search(text) is not None:
                message = "this looks like a template; edgewright expands none, so it stays as it is written"
                hint = "write the value itself; what differs between sites belongs into documents of their own"
                yield warning_at(loaded, "unexpanded-template", message, path, hint=hint)
