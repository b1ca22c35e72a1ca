"""A model is fetched over https."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.spec.v1beta1.blueprint import HttpsSource

_THIS_COMPUTER = frozenset({"localhost", "127.0.0.1", "[::1]"})


def check(subject: Subject) -> Iterator[Diagnostic]:
    """The address of an `https` source; plain http is for this computer alone."""
    source = subject.blueprint.spec.model.source
    if not isinstance(source, HttpsSource) or source.url.scheme == "https" or source.url.host in _THIS_COMPUTER:
        return
    message = f"the model's address starts with {source.url.scheme}://, only https is allowed"
    hint = "write https://, or serve the file from a mirror that has it"
    yield subject.error("insecure-url", message, ("spec", "model", "source", "url"), hint=hint)
