"""Where everything of one blueprint is on a device.

Owns the names below the root. Must not write.

    agent/<sha>.pyz  allowed_signers  device.json  state.json  lock  reserve
    store/sha256/<hex>                 verified blobs
    releases/<n>/                      statement.json(.sig) manifest.json artifact/ site/ agent/ device.json
    current -> releases/<n>            what runs
    confirmed -> releases/<m>          what a revert returns to
    incoming/<n>/ incoming/blobs/<hex> pushed by the controller, hostile until verified
    run/                               pid and log of a supervised process
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from edgewright.device.refusal import Refusal

AGENT_NAME = "edgewright-agent.pyz"
LARGEST_RELEASE = 10**12
ISOLATED = ("-I", "-S", "-B")
"""How Python is started: no environment variables, no packages of the host, nothing written beside the sources."""
SAFE_PATH = re.compile(r"/[A-Za-z0-9._+/-]+")
"""Paths that need no quoting in a systemd unit, a shell, or a log line."""


@dataclass(frozen=True)
class Layout:
    """The root of one blueprint and the paths below it."""

    root: Path

    @property
    def allowed_signers(self) -> Path:
        """Who may sign releases for this device."""
        return self.root / "allowed_signers"

    @property
    def options(self) -> Path:
        """device.json, written by the controller."""
        return self.root / "device.json"

    @property
    def state(self) -> Path:
        """state.json, written by the agent."""
        return self.root / "state.json"

    @property
    def lock(self) -> Path:
        """Held by every agent run that may change something."""
        return self.root / "lock"

    @property
    def reserve(self) -> Path:
        """Disk set aside for the record of a revert."""
        return self.root / "reserve"

    @property
    def agents(self) -> Path:
        """Agents by digest; the one that runs is among them."""
        return self.root / "agent"

    @property
    def store(self) -> Path:
        """Verified blobs by digest."""
        return self.root / "store" / "sha256"

    @property
    def releases(self) -> Path:
        """Complete releases by number."""
        return self.root / "releases"

    @property
    def incoming(self) -> Path:
        """What the controller pushed, hostile until verified."""
        return self.root / "incoming"

    @property
    def run(self) -> Path:
        """Process id and logs of a supervised process."""
        return self.root / "run"

    @property
    def current(self) -> Path:
        """Link to the release that runs."""
        return self.root / "current"

    @property
    def confirmed(self) -> Path:
        """Link to the release a revert returns to."""
        return self.root / "confirmed"

    def release(self, number: int) -> Path:
        """Folder of one release."""
        return self.releases / str(number)

    def replaced(self, number: int) -> Path:
        """Where a damaged release goes while a repaired one takes its name."""
        return self.releases / f".{number}.replaced"

    def partial(self, number: int) -> Path:
        """Where a release is assembled before it gets its name."""
        return self.releases / f".{number}.partial"

    def release_options(self, number: int) -> Path:
        """device.json as it was when a release was activated: it goes back with the release."""
        return self.release(number) / "device.json"

    def blob(self, digest_hex: str) -> Path:
        """One verified blob."""
        return self.store / digest_hex

    def current_release(self) -> int | None:
        """Number of the release that runs, if any."""
        return linked_release(self.current)

    def confirmed_release(self) -> int | None:
        """Number of the release a revert returns to, if any."""
        return linked_release(self.confirmed)

    def prepare(self) -> None:
        """Make the folders the agent writes to."""
        for folder in (self.agents, self.store, self.releases, self.incoming, self.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o755)


def linked_release(link: Path) -> int | None:
    """The release a `current` or `confirmed` link names, None when there is no link; anything else is a refusal."""
    try:
        target = os.readlink(link)
    except FileNotFoundError:
        return None
    except OSError:
        raise Refusal("state-invalid", f"{link} is not a symbolic link", hint="remove it and activate again") from None
    folder, _, name = target.partition("/")
    if folder != "releases" or not name.isdigit() or int(name) > LARGEST_RELEASE:
        raise Refusal("state-invalid", f"{link} points at {target[:80]!r}, not at a release")
    return int(name)


def open_root(path: str) -> Layout:
    """The layout of an existing root folder; refuses `root-missing` and names that would need quoting."""
    root = Path(os.path.realpath(path))
    if not SAFE_PATH.fullmatch(str(root)):
        raise Refusal("path-unsafe", f"root {str(root)[:200]!r} has characters other than letters, digits and ._+/-")
    if not root.is_dir():
        raise Refusal("root-missing", f"{root} is not a folder", hint="the first delivery of a release creates it")
    return Layout(root)
