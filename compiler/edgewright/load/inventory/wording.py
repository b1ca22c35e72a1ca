"""Wording: what is wrong with a host, in the words of its inventory and at its line.

Owns the names of variables that edgewright reads. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, Span, did_you_mean
from edgewright.load.inventory.events import Opaque
from edgewright.load.places import Path
from edgewright.load.wording import diagnose
from edgewright.load.yaml12 import Parsed, SpanMap
from edgewright.spec.v1beta1.fleet import Device

CONNECTION = {
    "ansible_connection": "type",
    "ansible_host": "host",
    "ansible_port": "port",
    "ansible_user": "user",
    "ansible_ssh_private_key_file": "identity_file",
    "ansible_python_interpreter": "python",
    "ansible_become": "become",
    "edgewright_known_hosts_file": "known_hosts_file",
}
"""Variables of hosts that say how a device is reached, and the field of `Connection` that each fills."""
DEVICE = {
    "edgewright_target": "target",
    "edgewright_site": "site",
    "edgewright_labels": "labels",
    "edgewright_root": "root",
    "edgewright_port": "port",
    "edgewright_supervisor": "supervisor",
}
"""Variables of hosts that say what a device is, and the field of `Device` that each fills."""
OWN = "edgewright_"
"""What the names of edgewright's own variables start with; another one that does is a slip of the pen."""
_FIELDS: dict[Path, str] = {("connection", field): variable for variable, field in CONNECTION.items()} | {
    (field,): variable for variable, field in DEVICE.items()
}


def opaque_variables(
    variables: Mapping[str, Any], places: Mapping[str, Span], name: str, host: Span
) -> list[Diagnostic]:
    """The variables of a host that are needed and cannot be read, because they are encrypted or marked unsafe."""
    found = []
    for variable in (*CONNECTION, *DEVICE):
        value = variables.get(variable)
        if isinstance(value, Opaque):
            message = f"{name}: {variable} is {value.tag}, a plain value is needed"
            hint = "what says which device this is cannot be secret; keep secrets out of this variable"
            found.append(Diagnostic("inventory-host", message, span=places.get(variable, host), hint=hint))
    return found


def diagnose_host(
    name: str, values: Any, errors: Sequence[Mapping[str, Any]], places: Mapping[str, Span], host: Span
) -> list[Diagnostic]:
    """Everything that is wrong with one host. `places` are those of its variables, `host` that of its name."""
    spans = {field: places[variable] for field, variable in _FIELDS.items() if variable in places}
    parsed = Parsed(values, SpanMap(host.path, {(): host, ("name",): host, **spans}, {}))
    found = []
    for error in errors:
        location = tuple(error["loc"])
        if error["type"] == "missing":
            variable = _FIELDS.get(location, ".".join(map(str, location)))
            hint = "set it for the host, or for a group of hosts that are alike"
            found.append(Diagnostic("inventory-host", f"{name} lacks {variable}", span=host, hint=hint))
            continue
        if error["type"] == "extra_forbidden" and location[0].startswith(OWN):
            message = f"{name}: {location[0]} is no variable of edgewright"
            own = [known for known in _FIELDS.values() if known.startswith(OWN)]
            span = places.get(location[0], host)
            found.append(Diagnostic("inventory-host", message, span=span, hint=did_you_mean(location[0], own)))
            continue
        said = diagnose(error, parsed, Device)
        if said is not None:
            message = f"{name}: {_in_variables(said.message, location)}"
            advice = said.hint
            if any(mark in str(error.get("input")) for mark in ("{{", "{%", "{#")):
                advice = "templates are not evaluated; write the value"
            found.append(Diagnostic("inventory-host", message, span=said.span, hint=advice, notes=said.notes))
    return found


def _in_variables(message: str, location: Path) -> str:
    """A message about a field, told of the variable that fills it."""
    for length in (2, 1):
        field = location[:length]
        if len(field) == length and field in _FIELDS:
            return _FIELDS[field] + message.removeprefix(".".join(map(str, field)))
    return message
