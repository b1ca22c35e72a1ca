"""The runtimes that a target lists belong to backends that exist."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, Severity, did_you_mean


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`runtimes` of the targets that are built; a backend of another installation is a warning, no error."""
    known = subject.registry.names("backends")
    for name in sorted(subject.built_targets):
        loaded = subject.repository.targets.get(name)
        for position, runtime in enumerate(loaded.document.spec.runtimes if loaded is not None else ()):
            if loaded is not None and runtime not in known:
                span = loaded.spans.span(("spec", "runtimes", position))
                message = f"{name} lists a runtime for {runtime!r}, which is no backend of this installation"
                hint = did_you_mean(runtime, known)
                yield Diagnostic("target-runtime-unknown", message, span=span, hint=hint, severity=Severity.WARNING)
