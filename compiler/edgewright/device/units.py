"""The text of the systemd units of one blueprint. Pure: values in, text out.

Owns which protections the service has. Must not write files or call systemctl.

Invariants: every value in a unit was validated against a pattern that needs no quoting (`layout.SAFE_PATH`,
`options.HOST`, a kebab-case name, whole numbers), so nothing can add a line or an argument; the service never gets a
network of its own: its only door is the socket that systemd passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgewright.device.documents import KEBAB
from edgewright.device.layout import ISOLATED, SAFE_PATH
from edgewright.device.options import HOST
from edgewright.device.refusal import Refusal

SECONDS = re.compile(r"[0-9]+(\.[0-9]{1,3})?")


@dataclass(frozen=True)
class UnitValues:
    """Everything that varies between units; checked when it is made."""

    blueprint: str
    root: str
    python: str
    agent: str
    host: str
    port: int
    threads: int
    memory_max_bytes: int | None

    def __post_init__(self) -> None:
        for name, value, pattern in (
            ("blueprint", self.blueprint, KEBAB),
            ("root", self.root, SAFE_PATH),
            ("python", self.python, SAFE_PATH),
            ("agent", self.agent, SAFE_PATH),
            ("host", self.host, HOST),
        ):
            if not pattern.fullmatch(value):
                raise Refusal("path-unsafe", f"{name} {value[:120]!r} cannot stand in a systemd unit")

    @property
    def name(self) -> str:
        """Name of the service without its suffix."""
        return f"edgewright-{self.blueprint}"

    @property
    def address(self) -> str:
        """Host and port as systemd writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def unit_texts(values: UnitValues, revert_after_s: float) -> dict[str, str]:
    """Text of every unit by file name. `revert_after_s` is when the timer fires after it is started."""
    return {
        f"{values.name}.service": _service(values),
        f"{values.name}.socket": _socket(values),
        f"{values.name}-revert.service": _revert(values),
        f"{values.name}-revert.timer": _timer(values, revert_after_s),
        f"{values.name}-boot.service": _boot(values),
    }


def _service(values: UnitValues) -> str:
    memory = f"MemoryMax={values.memory_max_bytes}\n" if values.memory_max_bytes else ""
    return f"""# Written by edgewright; changes are lost at the next activation.
[Unit]
Description=edgewright {values.blueprint}
Requires={values.name}.socket
After={values.name}.socket {values.name}-boot.service
ConditionPathExists={values.root}/current
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
Type=exec
ExecStart={values.python} {" ".join(ISOLATED)} {values.agent} serve --root {values.root}
Environment=OMP_NUM_THREADS={values.threads}
Restart=always
RestartSec=2
TimeoutStopSec=30
{memory}DynamicUser=yes
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=tmpfs
BindReadOnlyPaths={values.root}
PrivateTmp=yes
PrivateDevices=yes
PrivateNetwork=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
LimitNOFILE=4096
LimitCORE=0
TasksMax=256

[Install]
WantedBy=multi-user.target
"""


def _socket(values: UnitValues) -> str:
    return f"""# Written by edgewright; changes are lost at the next activation.
[Unit]
Description=edgewright {values.blueprint} socket

[Socket]
ListenStream={values.address}
FreeBind=yes
NoDelay=yes

[Install]
WantedBy=sockets.target
"""


def _revert(values: UnitValues) -> str:
    return f"""# Written by edgewright; changes are lost at the next activation.
[Unit]
Description=edgewright {values.blueprint}: revert what nobody confirmed
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart={values.python} {" ".join(ISOLATED)} {values.agent} revert --overdue --root {values.root}
Restart=on-failure
RestartSec=5
"""


def _timer(values: UnitValues, revert_after_s: float) -> str:
    seconds = f"{revert_after_s:.3f}"
    if not SECONDS.fullmatch(seconds):
        raise Refusal("path-unsafe", f"a timer cannot fire after {seconds[:40]} s")
    return f"""# Written by edgewright; changes are lost at the next activation.
[Unit]
Description=edgewright {values.blueprint}: time to confirm

[Timer]
OnActiveSec={seconds}s
AccuracySec=100ms
"""


def _boot(values: UnitValues) -> str:
    return f"""# Written by edgewright; changes are lost at the next activation.
[Unit]
Description=edgewright {values.blueprint}: revert or go on waiting after a reboot
Before={values.name}.service

[Service]
Type=oneshot
ExecStart={values.python} {" ".join(ISOLATED)} {values.agent} boot --root {values.root}
RemainAfterExit=yes

[Install]
WantedBy=multi-user.target
"""
