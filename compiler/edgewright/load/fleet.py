"""Fleets: the devices of a fleet document, written there or taken from a static Ansible inventory.

Owns the translation of host variables into devices. Must not connect to a device, nor run anything. Invariants:
everything that comes out passed the same checks as a device written by hand; what is wrong with a host is reported at
the line of the inventory that says it, all hosts in one run.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, Span, did_you_mean
from edgewright.load.inventory.events import Way
from edgewright.load.inventory.files import Files
from edgewright.load.inventory.merge import Inventory, Variables
from edgewright.load.inventory.read import find_places, read_inventory
from edgewright.load.inventory.wording import CONNECTION, DEVICE, diagnose_host, opaque_variables
from edgewright.spec.v1beta1.fleet import Device, Fleet, InventoryReference

HOSTS_REPORTED = 50
"""Hosts with mistakes; what is beyond is counted."""


@dataclass(frozen=True, slots=True)
class FleetDevices:
    """The devices of a fleet, sorted by name, and what is wrong with the hosts that are not among them."""

    devices: tuple[Device, ...]
    problems: tuple[Diagnostic, ...] = ()


def resolve_devices(fleet: Fleet, repository: Path) -> tuple[Device, ...]:
    """The devices of a fleet, sorted by name. Raises with every host whose variables are wrong."""
    found = read_devices(fleet, repository)
    if found.problems:
        raise EdgewrightError(*found.problems)
    return found.devices


def read_devices(fleet: Fleet, repository: Path) -> FleetDevices:
    """The devices of a fleet that are right, and what is wrong with the others. Does not raise."""
    with _collection_paused():
        if fleet.spec.inventory is None:
            return FleetDevices(_sorted(fleet.spec.devices or ()))
        files = Files(repository)
        try:
            inventory = read_inventory(files, fleet.spec.inventory.path)
        except EdgewrightError as error:
            return FleetDevices((), error.diagnostics)
        return _from_inventory(inventory, fleet.spec.inventory, files)


def target_places(fleet: Fleet, repository: Path, names: Collection[str]) -> Mapping[str, Span]:
    """Where the targets of some hosts of an inventory are written. Reads the inventory again: only for reports."""
    reference = fleet.spec.inventory
    if reference is None:
        return {}
    files = Files(repository)
    with _collection_paused():
        inventory = read_inventory(files, reference.path)
        ways = {name: ("host", name, "edgewright_target") for name in names}
        places = find_places(files, reference.path, inventory, ways.values())
    return {name: places[way] for name, way in ways.items() if way in places}


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Without the cycle collector, which would walk hundreds of thousands of new objects again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _sorted(devices: Collection[Device]) -> tuple[Device, ...]:
    return tuple(sorted(devices, key=lambda device: device.name))


def _from_inventory(inventory: Inventory, reference: InventoryReference, files: Files) -> FleetDevices:
    names = inventory.hosts(reference.group) if reference.group in inventory.groups else []
    if not names:
        message = f"{reference.path} has 0 hosts in the group {reference.group}, at least 1 is needed"
        hint = did_you_mean(reference.group, inventory.groups[:200])
        return FleetDevices((), (Diagnostic("inventory-empty", message, subject=reference.path, hint=hint),))
    devices: list[Device] = []
    wrong: dict[str, list[Any]] = {}
    count = 0
    validate = Device.model_validate
    for name in names:
        values = device_values(name, inventory.variables(name))
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
    return FleetDevices(tuple(devices), tuple(problems))


def _problems(inventory: Inventory, path: str, files: Files, wrong: Mapping[str, list[Any]]) -> list[Diagnostic]:
    ways: list[Way] = [("host", name) for name in wrong]
    ways += [("host", name, variable) for name in wrong for variable in (*CONNECTION, *DEVICE)]
    places = find_places(files, path, inventory, ways)
    found: list[Diagnostic] = []
    for name, (values, errors) in wrong.items():
        own = {way[2]: span for way, span in places.items() if way[1] == name and len(way) == 3}
        host = places.get(("host", name), Span(path, 1, 1, 1, 1))
        encrypted = opaque_variables(inventory.variables(name), own, name, host)
        found += encrypted or diagnose_host(name, values, errors, own, host)
    return found


def device_values(name: str, variables: Variables) -> dict[str, Any]:
    """What a host's variables say of its device; other variables are nobody's business here."""
    kind = variables.get("ansible_connection", "ssh")
    connection: dict[str, Any] = {"type": "ssh" if kind == "smart" else kind}
    device: dict[str, Any] = {"name": name, "connection": connection}
    for variable, value in variables.items():
        if variable in DEVICE:
            device[DEVICE[variable]] = value
        elif variable in CONNECTION and variable != "ansible_connection":
            connection[CONNECTION[variable]] = value
    if connection["type"] == "ssh":
        connection.setdefault("host", name)
    port = connection.get("port")
    if isinstance(port, str) and port.isdecimal() and len(port) <= 5:
        connection["port"] = int(port)
    return device
