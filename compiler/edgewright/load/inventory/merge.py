"""Which value a host ends up with: groups by depth, priority and name, then what is said of the host itself.

Pure. The order is Ansible's: all, groups from the root down (within a depth by `ansible_group_priority`, then by name),
`group_vars/all`, `group_vars` of the groups in the same order, the host, `host_vars`; later ones replace whole values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from edgewright.load.inventory.events import Way
from edgewright.load.inventory.fragment import ALWAYS, Fragment, WrongStatementError

Variables = Mapping[str, Any]


@dataclass(slots=True)
class Inventory:
    """Hosts with their groups and variables; `group_files` and `host_files` come from group_vars and host_vars."""

    said: Fragment
    group_files: Mapping[str, Variables] = field(default_factory=dict)
    host_files: Mapping[str, Variables] = field(default_factory=dict)
    _depths: dict[str, int] = field(default_factory=dict)
    _above: dict[str, frozenset[str]] = field(default_factory=dict)
    _bases: dict[tuple[str, ...], Variables] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Place every group below `all`; a group below itself is refused."""
        for name in ALWAYS:
            self.said.group(name)
        both = next((name for name in self.said.groups if name in self.said.hosts), None)
        if both is not None:
            raise WrongStatementError(f"{both!r} is the name of a group and of a host", hint="rename one of them")
        parents: dict[str, set[str]] = {name: set() for name in self.said.groups}
        for name, group in self.said.groups.items():
            for child in group.children:
                parents[child].add(name)
        if parents["all"]:
            raise WrongStatementError(f"the group all is below {min(parents['all'])}", hint="all is above every group")
        for name, above in parents.items():
            if name != "all" and not above:
                above.add("all")
        try:
            order = list(TopologicalSorter(parents).static_order())
        except CycleError as error:
            way = " > ".join(reversed(error.args[1]))
            raise WrongStatementError(f"a group is below itself: {way}", hint="remove one of the children") from None
        for name in order:
            above = parents[name]
            self._depths[name] = max((self._depths[parent] + 1 for parent in above), default=0)
            self._above[name] = frozenset(above).union(*(self._above[parent] for parent in above))

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of all groups."""
        return tuple(self.said.groups)

    def hosts(self, group: str) -> list[str]:
        """Names of the hosts of a group and of the groups below it, sorted."""
        if group == "all":
            return sorted(self.said.hosts)
        members = self.said.members
        having = {direct for direct in set(members.values()) if group in self._groups_of(direct)}
        return sorted(name for name, direct in members.items() if direct in having)

    def _groups_of(self, direct: tuple[str, ...]) -> list[str]:
        """All groups of a host, in the order in which their variables are taken; without `all`."""
        found = set(direct).union(*(self._above[name] for name in direct)) - {"all"}
        if "ungrouped" in direct and found != {"ungrouped"}:
            kept = tuple(name for name in direct if name != "ungrouped")
            found = set(kept).union(*(self._above[name] for name in kept)) - {"all"}
        groups = self.said.groups
        return sorted(found or {"ungrouped"}, key=lambda name: (self._depths[name], groups[name].priority, name))

    def variables(self, host: str) -> Variables:
        """The variables of a host."""
        direct = self.said.members[host]
        base = self._bases.get(direct)
        if base is None:
            base = self._bases[direct] = self._base(self._groups_of(direct))
        merged = {**base, **self.said.hosts[host]}
        if host in self.said.ports and "ansible_port" not in self.said.hosts[host]:
            merged["ansible_port"] = self.said.ports[host]
        if host in self.host_files:
            merged |= self.host_files[host]
        return merged

    def _base(self, groups: list[str]) -> Variables:
        merged: dict[str, Any] = {}
        for name in ("all", *groups):
            merged |= self.said.groups[name].variables
        for name in ("all", *groups):
            merged |= self.group_files.get(name, {})
        return merged

    def ways(self, host: str, variable: str) -> Iterator[Way]:
        """Where the value of a host's variable may have been written; the one that holds comes first."""
        yield "host_vars", host, variable
        yield "host", host, variable
        groups = self._groups_of(self.said.members[host])
        yield from (("group_vars", name, variable) for name in (*reversed(groups), "all"))
        yield from (("group", name, variable) for name in (*reversed(groups), "all"))
