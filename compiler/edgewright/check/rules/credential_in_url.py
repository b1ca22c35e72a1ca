"""No address carries a password."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.spec.v1beta1.blueprint import HttpsSource


def check(subject: Subject) -> Iterator[Diagnostic]:
    """User name and password in the address of an `https` source; neither is printed."""
    source = subject.blueprint.spec.model.source
    if isinstance(source, HttpsSource) and (source.url.username or source.url.password):
        message = "the model's address carries a user name or password; an address in Git is read by everyone"
        hint = "remove it and change the password; let a mirror that needs none serve the file"
        yield subject.error("credential-in-url", message, ("spec", "model", "source", "url"), hint=hint)
