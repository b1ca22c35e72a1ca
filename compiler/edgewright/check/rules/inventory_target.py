"""Every host of a fleet's inventory is of a target that exists."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.hosts import MOST_NAMED
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic, did_you_mean


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Targets of the hosts of all inventories."""
    targets, broken = whole.repository.targets, whole.repository.broken
    for hosts in whole.hosts.values():
        for target, names in hosts.by_target.items():
            if target in targets or ("Target", target) in broken:
                continue
            hint = did_you_mean(target, targets)
            for name in names[:MOST_NAMED]:
                message = f"{name} has the target {target!r}, which does not exist"
                yield Diagnostic("inventory-target", message, span=hosts.place(name), hint=hint)
            if len(names) > MOST_NAMED:
                message = f"{len(names) - MOST_NAMED:,} more hosts have the target {target!r}, which does not exist"
                span = hosts.fleet.spans.span(("spec", "inventory", "path"))
                yield Diagnostic("inventory-target", message, span=span, hint=hint)
