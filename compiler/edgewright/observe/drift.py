"""Drift: what devices told, beside what they should run. Pure.

Owns the comparison and its words. Must not reach a device, the ledger or the disk. Invariants: a device is in sync only
if it was reached, every file was compared and nothing differs; what a device told is only ever shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgewright.kernel.units import version_of
from edgewright.observe.report import DeviceReport, Finding

Kind = Literal[
    "wrong-release",
    "changed-file",
    "changed-options",
    "stopped-service",
    "unverified",
    "unconfirmed",
    "reverted",
    "denied",
    "absent",
    "failed",
    "new",
    "unknown",
]
REPAIRED: frozenset[Kind] = frozenset({"changed-file", "changed-options", "stopped-service", "reverted"})
"""What delivering the release that runs once more puts right."""
_SHOWN_FILES = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one device should run and have. `release` is None where nothing is known to compare with.

    The others are hexadecimal digests; None where another release than that in dist/ is wanted."""

    release: int | None
    manifest: str | None = None
    options: str | None = None
    signers: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a device is not as it should be."""

    kind: Kind
    message: str
    files: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceDrift:
    """One device. `runs` is the release it told, `should` the one it ought to run."""

    device: str
    target: str
    site: str
    runs: int | None
    should: int | None
    state: str | None
    differences: tuple[Difference, ...] = ()

    @property
    def is_in_sync(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of difference, each once, in order."""
        return tuple(dict.fromkeys(difference.kind for difference in self.differences))


@dataclass(frozen=True, slots=True)
class Drift:
    """All devices of a blueprint at one moment; `release` is that of dist/, `denied` says why nobody should get it."""

    blueprint: str
    release: int
    version: str
    observed_at: str
    devices: tuple[DeviceDrift, ...]
    denied: str | None = None

    @property
    def differing(self) -> tuple[DeviceDrift, ...]:
        """Devices that are not as they should be."""
        return tuple(device for device in self.devices if not device.is_in_sync)

    def to_reconcile(self) -> Mapping[str, bool]:
        """Devices that a roll-out of the release would put right: name → whether they run it already."""
        if self.denied is not None:
            return {}
        return {device.device: device.runs == self.release for device in self.devices if _is_mendable(device, self)}


def _is_mendable(device: DeviceDrift, drift: Drift) -> bool:
    kinds = set(device.kinds)
    if not kinds or device.should != drift.release:
        return False
    if kinds & {"absent", "failed", "unknown", "unconfirmed", "denied"}:
        return False
    if device.runs != drift.release:
        return bool(kinds & {"wrong-release", "new"})
    return bool(kinds & REPAIRED) and "wrong-release" not in kinds


def compare(report: DeviceReport, wanted: Wanted, *, target: str, site: str) -> DeviceDrift:
    """One device of the fleet against what it should be."""
    return DeviceDrift(
        device=report.device,
        target=target,
        site=site,
        runs=report.current,
        should=wanted.release,
        state=report.state,
        differences=tuple(_differences(report, wanted)),
    )


def unknown_devices(recorded: Sequence[str], fleet: Sequence[str]) -> tuple[DeviceDrift, ...]:
    """Devices that the ledger has and the fleet has not."""
    known = set(fleet)
    message = "the ledger has it, the fleet has not: nobody looks after it any more"
    return tuple(
        DeviceDrift(name, "", "", None, None, None, (Difference("unknown", message),))
        for name in sorted(recorded)
        if name not in known
    )


def _differences(report: DeviceReport, wanted: Wanted) -> list[Difference]:
    if report.reach == "absent":
        return [Difference("absent", report.message or "it does not answer")]
    if report.reach == "none":
        return [Difference("new", "nothing was ever delivered to it, or all of it was removed")]
    if report.reach == "failed":
        return [Difference("failed", f"{report.slug or 'failed'}: {report.message or 'no reason given'}")]
    if report.current is None and report.state != "active-unconfirmed":
        reason = _why_reverted(report, wanted)
        found = Difference("wrong-release", f"it runs nothing{reason}")
        return [*_denial(report, wanted), found] if wanted.release else []
    return [*_denial(report, wanted), *_release(report, wanted), *_documents(report, wanted), *_inside(report)]


def _denial(report: DeviceReport, wanted: Wanted) -> list[Difference]:
    if wanted.release not in report.denied:
        return []
    message = f"it refuses release {version_of(wanted.release)}, which failed there{_why_reverted(report, wanted)}"
    return [Difference("denied", f"{message}; `edgewright rollout --lift` after finding the cause")]


def _why_reverted(report: DeviceReport, wanted: Wanted) -> str:
    if report.reverted is None or report.reverted[0] != wanted.release:
        return ""
    return f" ({report.reverted[1]}: {report.reverted[2]})"


def _release(report: DeviceReport, wanted: Wanted) -> list[Difference]:
    if report.state == "active-unconfirmed":
        message = f"release {version_of(report.current)} waits for its confirmation, and is left if nobody confirms"
        return [Difference("unconfirmed", message)]
    if wanted.release is not None and report.current != wanted.release:
        runs, should = version_of(report.current), version_of(wanted.release)
        return [Difference("wrong-release", f"it runs {runs}, should run {should}{_why_reverted(report, wanted)}")]
    found = None if report.files is None else report.files.manifest
    is_signed = report.files is not None and all(finding.what != "unsigned" for finding in report.files.findings)
    if wanted.manifest is not None and found != wanted.manifest and is_signed:
        message = f"it runs {version_of(report.current)} with other content; release this one under a higher version"
        return [Difference("wrong-release", message)]
    if report.reverted is not None and report.reverted[0] == report.current:
        return [Difference("reverted", f"new options were given up: {report.reverted[1]}: {report.reverted[2]}")]
    return []


def _documents(report: DeviceReport, wanted: Wanted) -> list[Difference]:
    """Options and signers are compared where the release that they belong to runs."""
    found = []
    if report.current == wanted.release and wanted.options is not None:
        if report.options != wanted.options:
            found.append(Difference("changed-options", "device.json is not what the fleet says"))
        elif report.applied_options != wanted.options:
            found.append(Difference("changed-options", "device.json was delivered and is not in effect"))
    if wanted.signers is not None and report.signers != wanted.signers:
        found.append(Difference("changed-options", "allowed_signers is not the list of the fleet repository"))
    return found


def _inside(report: DeviceReport) -> list[Difference]:
    found: list[Difference] = []
    files = report.files
    if files is not None and (files.findings or files.more):
        names = [f"{finding.path} ({finding.what})" for finding in files.findings[:_SHOWN_FILES]]
        more = len(files.findings) + files.more - len(names)
        listed = ", ".join(names) + (f" and {more} more" if more else "")
        found.append(Difference("changed-file", listed, files.findings))
    elif files is not None and not files.is_complete:
        why = files.problem or "the device ran out of time"
        found.append(Difference("unverified", f"not every file was compared: {why}"))
    if report.serves != report.current or not report.is_ready:
        serves = "does not answer" if report.serves is None else f"answers for {version_of(report.serves)}"
        said = serves if report.serves != report.current else "is not ready"
        found.append(Difference("stopped-service", f"the service {said}"))
    elif report.unhealthy is not None:
        found.append(Difference("stopped-service", f"the last self-test was red: {report.unhealthy}"))
    return found
