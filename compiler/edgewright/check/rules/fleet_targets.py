"""Every device of a fleet has a target that exists and that the blueprint builds."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic, did_you_mean

SLUGS = ("device-target", "device-not-built", "inventory-missing")
_MOST_REPORTED = 20


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Devices that are written inline; an inventory is only asked for its file here."""
    fleet = subject.repository.fleets.get(subject.blueprint.spec.fleet.ref)
    if fleet is None:
        return
    inventory = fleet.document.spec.inventory
    if inventory is not None and not (subject.repository.root / inventory.path).exists():
        span = fleet.spans.span(("spec", "inventory", "path"))
        yield Diagnostic("inventory-missing", f"the inventory {inventory.path} does not exist", span=span)
    built = {target for build in subject.blueprint.spec.builds for target in build.targets}
    found = 0
    for index, device in enumerate(fleet.document.spec.devices or ()):
        span = fleet.spans.span(("spec", "devices", index, "target"))
        if device.target not in subject.repository.targets:
            hint = did_you_mean(device.target, subject.repository.targets)
            message = f"{device.name} has the target {device.target!r}, which does not exist"
            yield Diagnostic("device-target", message, span=span, hint=hint)
            found += 1
        elif device.target not in built:
            name = subject.blueprint.metadata.name
            message = f"{device.name} is a {device.target}, which {name} does not build"
            hint = f"add {device.target} to spec.builds of {name}; it builds {', '.join(sorted(built))}"
            yield Diagnostic("device-not-built", message, span=span, hint=hint)
            found += 1
        if found >= _MOST_REPORTED:
            return
