"""Devices of an inventory: what the variables of its hosts say, checked like devices that are written by hand.

Owns the translation of host variables. Invariant: what is wrong with a host is reported at the line of the inventory
that says it, all hosts in one run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Span, did_you_mean
from edgewright.load.inventory.events import Way
from edgewright.load.inventory.files import Files
from edgewright.load.inventory.merge import Inventory, Variables
from edgewright.load.inventory.read import find_places, read_inventory
from edgewright.load.inventory.wording import CONNECTION, DEVICE, OWN, diagnose_host, opaque_variables
from edgewright.load.sites import HostMerge, Leaf, Sites
from edgewright.spec.v1beta1.fleet import Device, InventoryReference

HOSTS_REPORTED = 50
"""Hosts with mistakes; what is beyond is counted."""


def inventory_devices(
    reference: InventoryReference, repository: Path, sites: Sites = ()
) -> tuple[tuple[Device, ...], tuple[Diagnostic, ...], frozenset[Leaf]]:
    """Devices of the hosts of an inventory's group, sorted by name, and what is wrong with the other hosts.

    What overlays say of a host's site goes before its variables; the values of `sites` that changed a host come last.
    """
    files = Files(repository)
    try:
        inventory = read_inventory(files, reference.path)
    except EdgewrightError as error:
        return (), error.diagnostics, frozenset()
    names = inventory.hosts(reference.group) if reference.group in inventory.groups else []
    if not names:
        message = f"{reference.path} has 0 hosts in the group {reference.group}, at least 1 is needed"
        is_known = reference.group in inventory.groups
        hint = "write hosts into it" if is_known else did_you_mean(reference.group, inventory.groups[:200])
        return (), (Diagnostic("inventory-empty", message, subject=reference.path, hint=hint),), frozenset()
    devices: list[Device] = []
    wrong: dict[str, list[Any]] = {}
    count = 0
    validate, overlays = Device.model_validate, HostMerge.of(sites) if sites else None
    for name in names:
        values = device_values(name, inventory.variables(name))
        if overlays is not None:
            overlays.into(values)
        try:
            devices.append(validate(values))
        except ValidationError as error:
            count += 1
            if count <= HOSTS_REPORTED:
                wrong[name] = [values, error.errors(include_url=False)]
    problems: list[Diagnostic] = []
    if wrong:
        problems = _problems(inventory, reference.path, files, wrong)
    if count > HOSTS_REPORTED:
        message = f"{reference.path} has {count - HOSTS_REPORTED:,} more hosts with mistakes"
        problems.append(Diagnostic("more-errors", message, span=Span(reference.path, 1, 1, 1, 1)))
    return tuple(devices), tuple(problems), frozenset(overlays.telling if overlays is not None else ())


def variable_places(
    reference: InventoryReference, repository: Path, names: Collection[str], variable: str
) -> Mapping[str, Span]:
    """Where a variable of some hosts is written. Reads the inventory again: only for reports."""
    files = Files(repository)
    inventory = read_inventory(files, reference.path)
    ways: dict[str, Way] = {name: ("host", name, variable) for name in names}
    places = find_places(files, reference.path, inventory, ways.values())
    return {name: places[way] for name, way in ways.items() if way in places}


def host_places(reference: InventoryReference, repository: Path, names: Collection[str]) -> Mapping[str, Span]:
    """Where some hosts of an inventory are written. Reads the inventory again: only for reports."""
    files = Files(repository)
    inventory = read_inventory(files, reference.path)
    ways: dict[str, Way] = {name: ("host", name) for name in names}
    places = find_places(files, reference.path, inventory, ways.values())
    return {name: places[way] for name, way in ways.items() if way in places}


def _problems(inventory: Inventory, path: str, files: Files, wrong: Mapping[str, list[Any]]) -> list[Diagnostic]:
    ways: list[Way] = [("host", name) for name in wrong]
    for name, (_, errors) in wrong.items():
        misspelt = (error["loc"][0] for error in errors if error["type"] == "extra_forbidden")
        ways += [("host", name, variable) for variable in (*CONNECTION, *DEVICE, *misspelt)]
    places = find_places(files, path, inventory, ways)
    found: list[Diagnostic] = []
    for name, (values, errors) in wrong.items():
        own = {way[2]: span for way, span in places.items() if way[1] == name and len(way) == 3}
        host = places.get(("host", name), Span(path, 1, 1, 1, 1))
        encrypted = opaque_variables(inventory.variables(name), own, name, host)
        found += encrypted or diagnose_host(name, values, errors, own, host)
    return _told_once(found)


def _told_once(problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What hosts have from the same line of a group is one mistake: told of the first, the others are counted."""
    first: dict[tuple[Span | None, str], Diagnostic] = {}
    others: Counter[tuple[Span | None, str]] = Counter()
    for problem in problems:
        key = problem.span, problem.message.partition(": ")[2] or problem.message
        if first.setdefault(key, problem) is not problem:
            others[key] += 1
    return [
        replace(problem, notes=(*problem.notes, _others(others[key]))) if others[key] else problem
        for key, problem in first.items()
    ]


def _others(count: int) -> str:
    return f"{count} more host has it from here" if count == 1 else f"{count} more hosts have it from here"


def device_values(name: str, variables: Variables) -> dict[str, Any]:
    """What a host's variables say of its device; variables of others are nobody's business here.

    One that only looks like edgewright's goes along by its own name: no device has such a field.
    """
    kind = variables.get("ansible_connection", "ssh")
    connection: dict[str, Any] = {"type": "ssh" if kind == "smart" else kind}
    device: dict[str, Any] = {"name": name, "connection": connection}
    for variable, value in variables.items():
        if variable in DEVICE:
            device[DEVICE[variable]] = value
        elif variable in CONNECTION and variable != "ansible_connection":
            connection[CONNECTION[variable]] = value
        elif variable.startswith(OWN):
            device[variable] = value
    if connection["type"] == "ssh":
        connection.setdefault("host", name)
    port = connection.get("port")
    if isinstance(port, str) and port.isdecimal() and len(port) <= 5:
        connection["port"] = int(port)
    return device
