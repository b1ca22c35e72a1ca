"""Fleets: the devices of a fleet document, written there or taken from any Ansible inventory.

Owns the translation of host variables into devices. Must not connect to a device. Invariant: everything that comes out
passed the same checks as a device written by hand; inventory text is data (`ansible-inventory --list` does not
evaluate templates) and what is not plain is refused with the host named.
"""

from __future__ import annotations

import fnmatch
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, ExitCode, did_you_mean, fail
from edgewright.kernel.process import run
from edgewright.rollout.tools import ansible_tool, search_path
from edgewright.spec.v1beta1.fleet import Device, Fleet, InventoryReference

_LIMIT_BYTES = 256 << 20
_CONNECTION_VARIABLES = {
    "ansible_host": "host",
    "ansible_port": "port",
    "ansible_user": "user",
    "ansible_ssh_private_key_file": "identityFile",
    "ansible_python_interpreter": "python",
    "edgewright_known_hosts_file": "knownHostsFile",
}
_DEVICE_VARIABLES = {
    "edgewright_target": "target",
    "edgewright_site": "site",
    "edgewright_labels": "labels",
    "edgewright_root": "root",
    "edgewright_port": "port",
    "edgewright_supervisor": "supervisor",
}


def resolve_devices(fleet: Fleet, repository: Path) -> tuple[Device, ...]:
    """The devices of a fleet, sorted by name. Raises with every host whose variables are wrong."""
    devices = fleet.spec.devices
    if devices is None:
        if fleet.spec.inventory is None:
            raise RuntimeError("a fleet without devices and inventory passed its schema")
        devices = _from_inventory(fleet.spec.inventory, repository)
    return tuple(sorted(devices, key=lambda device: device.name))


def select_devices(devices: Sequence[Device], selectors: Sequence[str]) -> tuple[Device, ...]:
    """Devices by `name-glob`, `@site`, `target=name` or `label=value`; separated by commas, all alternatives."""
    words = [word.strip() for selector in selectors for word in selector.split(",") if word.strip()]
    if not words:
        return tuple(devices)
    chosen: dict[str, Device] = {}
    for word in words:
        matching = [device for device in devices if _matches(device, word)]
        if not matching:
            raise fail(
                "no-such-device",
                f"no device matches {word!r}",
                exit_code=ExitCode.USAGE,
                subject=word,
                hint=did_you_mean(word, [device.name for device in devices][:50]),
            )
        chosen |= {device.name: device for device in matching}
    return tuple(device for device in devices if device.name in chosen)


def _matches(device: Device, word: str) -> bool:
    if word.startswith("@"):
        return fnmatch.fnmatchcase(device.site, word[1:])
    key, equals, value = word.partition("=")
    if equals:
        found = device.target if key == "target" else device.labels.get(key)
        return found is not None and fnmatch.fnmatchcase(found, value)
    return fnmatch.fnmatchcase(device.name, word)


def _from_inventory(reference: InventoryReference, repository: Path) -> tuple[Device, ...]:
    path = repository / reference.path
    if not path.exists():
        raise fail("inventory-missing", f"{reference.path} does not exist", subject=reference.path)
    listed = _listed(path)
    names = _members(listed, reference.group)
    if not names:
        raise fail(
            "inventory-empty",
            f"{reference.path} has 0 hosts in the group {reference.group}, at least 1 is needed",
            subject=reference.path,
            hint=did_you_mean(reference.group, [name for name in listed if name != "_meta"]),
        )
    variables = listed.get("_meta", {}).get("hostvars", {})
    devices: list[Device] = []
    diagnostics: list[Diagnostic] = []
    for name in sorted(names):
        try:
            devices.append(Device.model_validate(_device(name, variables.get(name, {}))))
        except ValidationError as error:
            diagnostics += [_host_diagnostic(reference.path, name, detail) for detail in error.errors()]
    if diagnostics:
        raise EdgewrightError(*diagnostics)
    return tuple(devices)


def _listed(path: Path) -> dict[str, Any]:
    tool = ansible_tool("ansible-inventory")
    with tempfile.TemporaryDirectory(prefix="edgewright-") as scratch:
        environment = {
            "PATH": search_path(),
            "HOME": scratch,
            "ANSIBLE_HOME": scratch,
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
            "LC_ALL": "C.UTF-8",
        }
        finished = run([tool, "-i", path, "--list"], timeout_s=600.0, env=environment, cwd=path.parent)
    if finished.returncode != 0 or len(finished.stdout) > _LIMIT_BYTES:
        said = finished.stderr.decode(errors="replace").strip().splitlines()
        raise fail(
            "inventory-unreadable",
            f"ansible-inventory could not read {path.name}",
            subject=str(path),
            notes=tuple(said[-3:]),
        )
    document = json.loads(finished.stdout)
    return document if isinstance(document, dict) else {}


def _members(listed: Mapping[str, Any], group: str) -> set[str]:
    """Hosts of a group and of the groups below it."""
    names: set[str] = set()
    seen: set[str] = set()
    waiting = [group]
    while waiting:
        name = waiting.pop()
        body = listed.get(name)
        if name in seen or not isinstance(body, Mapping):
            continue
        seen.add(name)
        names |= set(body.get("hosts", ()))
        waiting += list(body.get("children", ()))
    return names


def _device(name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    connection: dict[str, Any] = {"type": variables.get("ansible_connection", "ssh")}
    if connection["type"] == "smart":
        connection["type"] = "ssh"
    for variable, key in _CONNECTION_VARIABLES.items():
        if variable in variables:
            connection[key] = variables[variable]
    if connection["type"] == "ssh":
        connection.setdefault("host", name)
    if "ansible_become" in variables:
        connection["become"] = variables["ansible_become"]
    if isinstance(connection.get("port"), str) and connection["port"].isdecimal():
        connection["port"] = int(connection["port"])
    device: dict[str, Any] = {"name": name, "connection": connection}
    for variable, key in _DEVICE_VARIABLES.items():
        if variable in variables:
            device[key] = variables[variable]
    return device


def _host_diagnostic(path: str, name: str, detail: Any) -> Diagnostic:
    field = ".".join(str(part) for part in detail["loc"])
    known = {**_DEVICE_VARIABLES, **{k: f"connection.{v}" for k, v in _CONNECTION_VARIABLES.items()}}
    variable = next((key for key, value in known.items() if field.startswith(value)), field)
    return Diagnostic(
        "inventory-host",
        f"{name}: {variable} {detail['msg'][:1].lower()}{detail['msg'][1:]}",
        subject=f"{path}, host {name}",
        notes=(f"value: {str(detail.get('input'))[:80]!r}",) if detail["type"] != "missing" else (),
    )
