"""Every device of a blueprint's fleet is of a target that the blueprint builds."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject, error_at
from edgewright.check.whole import MOST_REPORTED
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Devices whose target exists and is not built.

    While a target of the blueprint is unknown nothing is said: a misspelt name is the likely reason, and is reported.
    """
    fleet, built, targets = subject.fleet, subject.built_targets, subject.repository.targets
    if fleet is None or any(name not in targets for name in built):
        return
    wrong = [
        (index, device)
        for index, device in enumerate(subject.devices)
        if device.target not in built and device.target in targets
    ]
    for index, device in wrong[:MOST_REPORTED]:
        message = f"{device.name} is a {device.target}, which {subject.name} does not build"
        hint = f"add {device.target} to spec.builds of {subject.name}; it builds {', '.join(sorted(built))}"
        yield error_at(fleet, "device-not-built", message, ("spec", "devices", index, "target"), hint=hint)
    if len(wrong) > MOST_REPORTED:
        message = f"{len(wrong) - MOST_REPORTED} more devices have a target that {subject.name} does not build"
        yield error_at(fleet, "device-not-built", message, ("spec", "devices"))
