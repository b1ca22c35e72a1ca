"""Inventories and device options: what one device needs to be reached and told, as JSON values.

Owns the host variables and `device.json`. Must not know waves or playbooks. Invariant: every text that Ansible will
read is plain. ansible-core 2.19 takes text of an inventory as a trusted template, so a brace in it would be code: such
a value is refused here even where the language already forbids it, and labels never reach Ansible at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.kernel.diagnostics import fail
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.fleet import Device

DEFAULT_PYTHON = "/usr/bin/python3"
_PLAIN = re.compile(r"[A-Za-z0-9_./:@=+, -]*")

JsonObject = dict[str, Any]


def device_root(device: Device, blueprint_name: str) -> str:
    """Folder of the blueprint on a device."""
    return device.root or f"/opt/edgewright/{blueprint_name}"


def host_variables(device: Device, blueprint_name: str) -> JsonObject:
    """Variables of one host. Without `become` Ansible's temporary files lie below the root: same disk, no litter."""
    connection = device.connection
    root = device_root(device, blueprint_name)
    variables: JsonObject = {
        "ansible_connection": connection.type,
        "ansible_python_interpreter": connection.python or DEFAULT_PYTHON,
        "edgewright_python": connection.python or DEFAULT_PYTHON,
        "edgewright_root": root,
        "edgewright_target": device.target,
    }
    if connection.become:
        variables["ansible_become"] = True
    else:
        variables["ansible_remote_tmp"] = f"{root}/.ansible"
    if connection.type == "ssh":
        variables |= {"ansible_host": connection.host, "ansible_port": connection.port}
        if connection.user:
            variables["ansible_user"] = connection.user
        if connection.identity_file:
            variables["ansible_ssh_private_key_file"] = connection.identity_file
        if connection.known_hosts_file:
            variables["ansible_ssh_common_args"] = (
                f"-o UserKnownHostsFile={connection.known_hosts_file} -o GlobalKnownHostsFile=/dev/null"
            )
    refuse_templates(variables, device.name)
    return variables


def inventory(devices: Sequence[Device], blueprint_name: str) -> JsonObject:
    """A static inventory of some devices."""
    return {"all": {"hosts": {device.name: host_variables(device, blueprint_name) for device in devices}}}


def device_options(device: Device, blueprint: Blueprint, backend: str, principal: str) -> JsonObject:
    """`device.json`: what the site says about one device. The agent reads it; Ansible only copies it."""
    spec = blueprint.spec
    gates = [
        {"metric": gate.metric}
        | ({"max": gate.max} if gate.max is not None else {})
        | ({"min": gate.min} if gate.min is not None else {})
        for gate in spec.gates
        if gate.where == "device" and gate.covers(target=device.target, backend=backend)
    ]
    options: JsonObject = {
        "blueprint": blueprint.metadata.name,
        "target": device.target,
        "fleet": spec.fleet.ref,
        "listen": {"host": spec.service.address, "port": device.port or spec.service.port},
        "supervisor": device.supervisor,
        "confirm_timeout_s": int(spec.rollout.confirm_timeout),
        "gates": gates,
        "principal": principal,
    }
    if spec.service.threads is not None:
        options["threads"] = spec.service.threads
    if spec.service.memory_max is not None:
        options["memory_max_bytes"] = spec.service.memory_max
    return options


def refuse_templates(value: Any, subject: str) -> None:
    """Refuse any text, at any depth, that Ansible could take for a template or that is not plain."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) is None:
            raise fail(
                "value-not-plain",
                f"{subject} has the value {value[:80]!r}; only letters, digits and _./:@=+,- are handed to Ansible",
                subject=subject,
                hint="change the value in the fleet document or the inventory",
            )
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            refuse_templates(key, subject)
            refuse_templates(entry, subject)
    elif isinstance(value, Sequence):
        for entry in value:
            refuse_templates(entry, subject)
