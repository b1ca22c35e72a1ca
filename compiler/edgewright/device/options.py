"""device.json: what the controller decided for this device. Written by the controller, kept beside the release it came
with, and put back when that release comes back.

Owns its shape. Invariants: an unknown key is a refusal; every value that reaches a unit file or a socket is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgewright.device.documents import KEBAB, Fields, parse_object, read_capped
from edgewright.device.files import write_atomic
from edgewright.device.layout import Layout
from edgewright.device.refusal import Refusal

SYSTEMD, PROCESS = "systemd", "process"
OPTIONS_CAP_BYTES = 256 * 1024
DEFAULT_CONFIRM_TIMEOUT_S = 300
LONGEST_CONFIRM_TIMEOUT_S = 86_400
HOST = re.compile(r"[A-Za-z0-9.:-]{1,255}")
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
METRIC = re.compile(r"[a-z][a-z0-9_]{0,63}")
PRINCIPAL = re.compile(r"[A-Za-z0-9@._+-]{1,128}")


@dataclass(frozen=True)
class Gate:
    """A condition measured on this device; units as in the metric (seconds, bytes, tokens per second)."""

    metric: str
    maximum: float | None
    minimum: float | None


@dataclass(frozen=True)
class Options:
    """One device's options for one blueprint."""

    blueprint: str
    target: str
    fleet: str
    host: str
    port: int
    threads: int
    supervisor: str
    user: str | None
    principal: str
    confirm_timeout_s: int
    memory_max_bytes: int | None
    gates: tuple[Gate, ...]


def _gate(document: Any) -> Gate:
    slug = "options-invalid"
    if not isinstance(document, Mapping):
        raise Refusal(slug, "device.json: gates has an entry that is not an object")
    fields = Fields(document, "device.json: gates", slug).only("metric", "max", "min", "unit", "where")
    gate = Gate(fields.text("metric", METRIC), fields.optional_number("max"), fields.optional_number("min"))
    if gate.maximum is None and gate.minimum is None:
        raise fields.refuse(gate.metric, "has neither max nor min")
    return gate


def keep_options(layout: Layout, release: int) -> None:
    """Remember the options that a release is activated with."""
    write_atomic(layout.release_options(release), read_capped(layout.options, OPTIONS_CAP_BYTES, "options-invalid"))


def restore_options(layout: Layout, release: int) -> Options:
    """Put back the options that a release ran with: a release that is left takes its memory limit and port with it."""
    kept = layout.release_options(release)
    if kept.is_file():
        write_atomic(layout.options, read_capped(kept, OPTIONS_CAP_BYTES, "options-invalid"))
    return read_options(layout)


def read_options(layout: Layout) -> Options:
    """Read and check device.json; refuses `options-invalid`."""
    slug = "options-invalid"
    document = parse_object(read_capped(layout.options, OPTIONS_CAP_BYTES, slug), "device.json", slug)
    fields = Fields(document, "device.json", slug).only(
        "schema",
        "blueprint",
        "target",
        "fleet",
        "listen",
        "threads",
        "supervisor",
        "user",
        "principal",
        "confirm_timeout_s",
        "memory_max_bytes",
        "gates",
    )
    listen = fields.child("listen").only("host", "port")
    supervisor = fields.text("supervisor")
    if supervisor not in (SYSTEMD, PROCESS):
        raise fields.refuse("supervisor", f"is {supervisor[:40]!r}, {SYSTEMD} and {PROCESS} are known")
    timeout = fields.optional_integer("confirm_timeout_s", 1, LONGEST_CONFIRM_TIMEOUT_S)
    return Options(
        blueprint=fields.text("blueprint", KEBAB),
        target=fields.text("target", KEBAB),
        fleet=fields.text("fleet", KEBAB),
        host=listen.text("host", HOST),
        port=listen.integer("port", 1, 65535),
        threads=fields.optional_integer("threads", 1, 256) or 1,
        supervisor=supervisor,
        user=fields.text("user", USER) if document.get("user") is not None else None,
        principal=fields.text("principal", PRINCIPAL) if document.get("principal") is not None else "edgewright",
        confirm_timeout_s=timeout or DEFAULT_CONFIRM_TIMEOUT_S,
        memory_max_bytes=fields.optional_integer("memory_max_bytes", 2**20, 2**50),
        gates=tuple(_gate(gate) for gate in (document.get("gates") or [])),
    )
