"""Every target that is built has a device."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Targets of builds that no device of the fleet is of."""
    if not subject.real_count:
        return
    present = subject.counts.by_target
    for index, build in enumerate(subject.blueprint.spec.builds):
        for position, target in enumerate(build.targets):
            if target not in present and target in subject.repository.targets:
                message = f"{target} is built for no device: the fleet {subject.blueprint.spec.fleet.ref} has none"
                hint = "delete it here, or add its devices to the fleet"
                path = ("spec", "builds", index, "targets", position)
                yield subject.warning("target-without-device", message, path, hint=hint)
