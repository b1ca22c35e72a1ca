"""Every device of a fleet has a target that exists and that the blueprint builds."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, did_you_mean

_MOST_REPORTED = 20


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Devices that are written inline; an inventory is only asked for its file here."""
    fleet = subject.repository.fleets.get(subject.blueprint.spec.fleet.ref)
    if fleet is None:
        return
    inventory = fleet.document.spec.inventory
    if inventory is not None and not (subject.repository.root / inventory.path).exists():
        span = fleet.spans.span(("spec", "inventory", "path"))
        message = f"the inventory {inventory.path} does not exist"
        yield Diagnostic("inventory-missing", message, span=span, hint="paths start at the repository's root")
    targets, built = subject.repository.targets, subject.built_targets
    is_complete = all(name in targets for name in built)
    wrong = [
        (index, device)
        for index, device in enumerate(fleet.document.spec.devices or ())
        if device.target not in built and ("Target", device.target) not in subject.repository.broken
    ]
    for index, device in wrong[:_MOST_REPORTED]:
        span = fleet.spans.span(("spec", "devices", index, "target"))
        if device.target not in targets:
            hint = did_you_mean(device.target, targets)
            message = f"{device.name} has the target {device.target!r}, which does not exist"
            yield Diagnostic("device-target", message, span=span, hint=hint)
            continue
        if not is_complete:
            continue  # a misspelt target of the blueprint is the likely reason, and is reported there
        message = f"{device.name} is a {device.target}, which {subject.name} does not build"
        hint = f"add {device.target} to spec.builds of {subject.name}; it builds {', '.join(sorted(built))}"
        yield Diagnostic("device-not-built", message, span=span, hint=hint)
    if len(wrong) > _MOST_REPORTED:
        message = f"{len(wrong) - _MOST_REPORTED} more devices have a target that {subject.name} does not build"
        yield Diagnostic("device-not-built", message, span=fleet.spans.span(("spec", "devices")))
