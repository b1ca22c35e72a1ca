"""What a change asks for next: another release, the one there is on more devices, a higher version, or nothing.

Owns the decision that a merge pipeline acts on, and the mistake in it that is worth a line. Pure. Invariant: a release
number means one content for ever, so what a release holds differs only under another `metadata.version`.
"""

from __future__ import annotations

from collections.abc import Collection

from edgewright.kernel.diagnostics import Diagnostic, Severity, Span
from edgewright.kernel.units import release_number
from edgewright.plan.change import CONTENT, ChangeClass, ChangePlan, NextStep

VERSION = ("metadata", "version")
IN_A_RELEASE = CONTENT | {ChangeClass.VERSION}
"""Classes of what a release holds: what devices run, and how long it may be installed."""
_WORDS = {ChangeClass.NEW: "a new target", ChangeClass.VERSION: "how long a release may be installed"}
"""Of classes whose name says less when the version stays."""


def next_step(before: str | None, after: str | None, classes: Collection[ChangeClass]) -> NextStep:
    """The step for a blueprint, from its versions (None: it is not there) and all classes of its change.

    A removed blueprint asks for nothing: devices keep the release they run. A lower version asks for a higher one:
    devices refuse to go below what they confirmed, so the way back is forward.
    """
    if after is None or not classes:
        return NextStep.NONE
    if before is None or release_number(after) > release_number(before):
        return NextStep.RELEASE
    if before != after:
        return NextStep.RAISE_VERSION
    return NextStep.RECONCILE if IN_A_RELEASE.isdisjoint(classes) else NextStep.RAISE_VERSION


def version_not_raised(name: str, before: str, after: str, classes: Collection[ChangeClass], span: Span) -> Diagnostic:
    """The diagnostic for a blueprint that has to raise its version; `span` is the place of `metadata.version`."""
    if before != after:
        return Diagnostic(
            "version-not-raised",
            f"the version of {name} falls from {before} to {after}",
            span=span,
            hint=f"raise metadata.version above {before}, also to go back: devices refuse a lower release",
            severity=Severity.WARNING,
        )
    changed = ", ".join(_WORDS.get(item, str(item)) for item in ChangeClass if item in IN_A_RELEASE & set(classes))
    return Diagnostic(
        "version-not-raised",
        f"the version of {name} is still {after}, although the release changes: {changed}",
        span=span,
        hint=f"raise metadata.version: devices that run {after} would not take the change",
        severity=Severity.WARNING,
    )


def step_lines(plan: ChangePlan, environment: str | None) -> str:
    """`STEP NAME VERSION`, a line each, of what is to be done in an environment (None: without one); sorted by name.

    Names and versions are of letters, digits, dots, pluses, dashes and exclamation marks: no word needs a quote.
    """
    todo = (NextStep.RELEASE, NextStep.RECONCILE)
    found = [change for change in plan.blueprints if environment in change.environments and change.step in todo]
    ordered = sorted(found, key=lambda change: change.name)
    return "".join(f"{change.step} {change.name} {change.version_after}\n" for change in ordered)
