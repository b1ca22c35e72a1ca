"""No document holds a key, token or password."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.texts import texts_of
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.kernel.secrets import find_secret


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Every text that people write freely; what is found is named by its kind and never printed."""
    for loaded in whole.own_documents:
        for path, text in texts_of(loaded):
            kind = find_secret(text)
            if kind is not None:
                message = f"{kind} is written here; a document in Git is read by everyone"
                hint = "revoke it, remove it here and from the history, and hand it over outside of the repository"
                span = loaded.spans.span(path)
                yield Diagnostic("secret-in-document", message, span=span, hint=hint)
