"""Every host of a fleet's inventory says what a device has to say, and the inventory can be read without running it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic


def check(whole: Whole) -> Iterator[Diagnostic]:
    """`inventory-host`, and whatever else reading the inventories of all fleets has found, each at its line."""
    for hosts in whole.hosts.values():
        for problem in hosts.problems:
            if problem.slug == "inventory-missing":
                continue  # a rule of its own
            elsewhere = hosts.fleet.spans.span(("spec", "inventory", "group"))
            yield problem if problem.span is not None else replace(problem, span=elsewhere)
