"""Hosts of inventories by target, worked out once for all blueprints, with the lines of those that are reported.

Must not know a rule. Invariant: a blueprint costs as much as its fleet has targets, not as it has hosts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice

from edgewright.kernel.diagnostics import Diagnostic, Span
from edgewright.load.documents import Loaded, Repository
from edgewright.load.fleet import target_places
from edgewright.spec.v1beta1.fleet import Fleet

MOST_NAMED = 20
"""Hosts of a target that a report points at; what is beyond is counted."""


@dataclass(frozen=True)
class FleetHosts:
    """The hosts of one fleet: names by target, and what is wrong with the inventory."""

    fleet: Loaded[Fleet]
    repository: Repository
    by_target: Mapping[str, tuple[str, ...]]
    problems: tuple[Diagnostic, ...]

    @cached_property
    def _places(self) -> Mapping[str, Span]:
        named = chain.from_iterable(islice(names, MOST_NAMED) for names in self.by_target.values())
        return target_places(self.fleet.document, self.repository.root, list(named))

    def place(self, host: str) -> Span:
        """Where the target of a host is written, for the first hosts of each target; else where the fleet names it."""
        return self._places.get(host) or self.fleet.spans.span(("spec", "inventory", "path"))


def index_hosts(repository: Repository) -> dict[str, FleetHosts]:
    """Every fleet that takes its devices from an inventory, by name."""
    found: dict[str, FleetHosts] = {}
    for name, fleet in sorted(repository.fleets.items()):
        if fleet.document.spec.inventory is None:
            continue
        read = repository.devices_of(name)
        by_target: dict[str, list[str]] = defaultdict(list)
        for device in read.devices:
            by_target[device.target].append(device.name)
        names = {target: tuple(members) for target, members in sorted(by_target.items())}
        found[name] = FleetHosts(fleet, repository, names, read.problems)
    return found
