"""Every host of a blueprint's inventory is of a target that the blueprint builds."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.hosts import MOST_NAMED
from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Hosts whose target exists and is not built.

    While a target of the blueprint is unknown nothing is said: a misspelt name is the likely reason, and is reported.
    """
    hosts = subject.whole.hosts.get(subject.blueprint.spec.fleet.ref)
    built, targets = subject.built_targets, subject.repository.targets
    if hosts is None or any(name not in targets for name in built):
        return
    for target, names in hosts.by_target.items():
        if target in built or target not in targets:
            continue
        hint = f"add {target} to spec.builds of {subject.name}; it builds {', '.join(sorted(built))}"
        for name in names[:MOST_NAMED]:
            message = f"{name} is a {target}, which {subject.name} does not build"
            yield Diagnostic("inventory-not-built", message, span=hosts.place(name), hint=hint)
        if len(names) > MOST_NAMED:
            message = f"{len(names) - MOST_NAMED:,} more hosts are {target}, which {subject.name} does not build"
            span = hosts.fleet.spans.span(("spec", "inventory", "path"))
            yield Diagnostic("inventory-not-built", message, span=span, hint=hint)
