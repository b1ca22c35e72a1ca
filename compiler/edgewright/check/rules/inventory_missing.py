"""The inventory of a fleet is a file of the repository."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import error_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """The path of every fleet that takes its devices from an Ansible inventory."""
    for _, fleet in sorted(whole.repository.fleets.items()):
        inventory = fleet.document.spec.inventory
        if inventory is not None and not (whole.repository.root / inventory.path).exists():
            message = f"the inventory {inventory.path} does not exist"
            hint = "paths start at the repository's root"
            yield error_at(fleet, "inventory-missing", message, ("spec", "inventory", "path"), hint=hint)
