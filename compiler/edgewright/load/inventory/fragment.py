"""What one inventory file says: groups, hosts and variables, in the order in which it says them.

Owns the rules by which later statements win over earlier ones, within a file and across files. Knows nothing of syntax.
Invariant: dictionaries of variables are never changed once they are in a fragment, because equal lines share them.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgewright.kernel.diagnostics import Span
from edgewright.load.inventory.events import Places, refusal

HOSTS_LIMIT = 250_000
ALWAYS = ("all", "ungrouped")
"""Groups that every inventory has."""
PRIORITY = "ansible_group_priority"
_LONGEST_PATTERN = 255
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_PATTERN = re.compile(
    r"((?:[A-Za-z0-9_.-]|\[[0-9]+:[0-9]+(?::[0-9]+)?\]|\[[A-Za-z]:[A-Za-z](?::[0-9]+)?\])+)(?::([0-9]+))?"
)
_RANGE = re.compile(r"\[([0-9A-Za-z]+):([0-9A-Za-z]+)(?::([0-9]+))?\]")


class WrongStatementError(Exception):
    """What a file says is not an inventory; `way` leads to the place in its document."""

    def __init__(
        self, message: str, *, way: tuple[Any, ...] = (), slug: str = "inventory-format", hint: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.way, self.slug, self.hint = message, way, slug, hint or None


@dataclass(slots=True)
class Group:
    """A group: its own variables, the groups below it, its priority among groups of the same depth."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    priority: int = 1


@dataclass(slots=True)
class Fragment:
    """The statements of one file, or of several in order.

    `ports` are those of `name:port`; `asked` are groups that have to be declared in this file or in an earlier one;
    `places` has ("host", name), ("host", name, variable), ("group", name, variable).
    """

    groups: dict[str, Group] = field(default_factory=dict)
    hosts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: dict[str, Span] = field(default_factory=dict)
    places: Places = field(default_factory=dict)

    def group(self, name: str) -> Group:
        """A group, made when it is new."""
        found = self.groups.get(name)
        if found is None:
            found = self.groups[name] = Group()
        return found

    def set_group_variable(self, name: str, key: str, value: Any) -> None:
        """A variable of a group; the priority is none, it orders groups."""
        group = self.group(name)
        if key == PRIORITY:
            try:
                group.priority = int(value)
            except (TypeError, ValueError):
                raise WrongStatementError(f"{PRIORITY} of {name} is {str(value)[:80]!r}, a number is needed") from None
        else:
            group.variables = {**group.variables, key: value}

    def add_host(self, name: str, group: str, variables: Mapping[str, Any], port: int | None = None) -> None:
        """A host in a group; what was said of it before holds where `variables` are silent."""
        known = self.hosts.get(name)
        if known is None:
            if len(self.hosts) >= HOSTS_LIMIT:
                raise WrongStatementError(f"there are more than {HOSTS_LIMIT:,} hosts, {HOSTS_LIMIT:,} allowed")
            self.hosts[name] = variables
            self.members[name] = (group,)
            if port is not None:
                self.ports[name] = port
            return
        if variables:
            self.hosts[name] = {**known, **variables}
        if group not in self.members[name]:
            self.members[name] = (*self.members[name], group)

    def add(self, later: Fragment) -> None:
        """Add the statements of the next file."""
        for name, span in later.asked.items():
            if name not in self.groups and name not in ALWAYS:
                hint = f"declare it: [{name}]"
                raise refusal("inventory-format", f"there is no group {name!r}", span, hint=hint)
        for name, group in later.groups.items():
            mine = self.group(name)
            mine.variables = {**mine.variables, **group.variables}
            mine.children |= group.children
            if group.priority != 1:
                mine.priority = group.priority
        for name, variables in later.hosts.items():
            first, *more = later.members[name]
            self.add_host(name, first, variables, later.ports.get(name))
            for group_name in more:
                self.add_host(name, group_name, {})
        self.places |= later.places


def is_simple_host(name: str) -> bool:
    """Tell whether a text is one host's name, with neither range nor port."""
    return _NAME.fullmatch(name) is not None


def expand_hosts(pattern: str) -> tuple[list[str], int | None]:
    """The hosts that `name`, `name[01:20]`, `name[a:f:2]` stand for, and the port after a colon."""
    match = _PATTERN.fullmatch(pattern) if len(pattern) <= _LONGEST_PATTERN else None
    if match is None:
        hint = "letters, digits, dots, dashes and ranges such as shop[01:20] make a host's name"
        raise WrongStatementError(f"{pattern[:80]!r} is not the name of a host", slug="inventory-host", hint=hint)
    names = _expand(match[1])
    for name in names:
        if not is_simple_host(name):
            raise WrongStatementError(f"{name[:80]!r} is not the name of a host", slug="inventory-host")
    return names, int(match[2]) if match[2] and int(match[2]) else None


def _expand(pattern: str) -> list[str]:
    match = _RANGE.search(pattern)
    if match is None:
        return [pattern]
    head, tails = pattern[: match.start()], _expand(pattern[match.end() :])
    values = _range(match[1], match[2], int(match[3] or 1))
    if len(values) * len(tails) > HOSTS_LIMIT:
        raise WrongStatementError(f"{pattern[:80]!r} makes more than {HOSTS_LIMIT:,} hosts, {HOSTS_LIMIT:,} allowed")
    return [f"{head}{value}{tail}" for value in values for tail in tails]


def _range(begin: str, end: str, step: int) -> list[str]:
    if step < 1:
        raise WrongStatementError(f"the range [{begin}:{end}] has the step {step}, at least 1 is needed")
    if begin.isalpha() and end.isalpha():
        letters = string.ascii_letters
        first, last = letters.index(begin), letters.index(end)
        if first > last:
            raise WrongStatementError(f"the range [{begin}:{end}] ends before it begins")
        return list(letters[first : last + 1 : step])
    if not (begin.isdigit() and end.isdigit()) or max(len(begin), len(end)) > 9:
        raise WrongStatementError(f"the range [{begin[:20]}:{end[:20]}] has no plain bounds")
    width = len(begin) if begin.startswith("0") and len(begin) > 1 else 0
    if width and width != len(end):
        raise WrongStatementError(f"the bounds of [{begin}:{end}] have different lengths")
    numbers = range(int(begin), int(end) + 1, step)
    if len(numbers) > HOSTS_LIMIT:
        raise WrongStatementError(f"[{begin}:{end}] makes {len(numbers):,} hosts, {HOSTS_LIMIT:,} allowed")
    return [str(number).zfill(width) for number in numbers]
