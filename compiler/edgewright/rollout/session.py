"""A roll-out as a command sees it: start, resume, recall, lift; over one blueprint, its release and its ledger.

Owns the order of checks before the first device is told anything. Must not print, nor decide about devices. Invariants:
only a verified release is rolled out, by one controller at a time; a denied release needs a person; a roll-out that was
cut off is resumed or abandoned before another begins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgewright.kernel.diagnostics import ExitCode, fail
from edgewright.kernel.digest import digest_bytes, digest_file, hex_of
from edgewright.kernel.events import EventSink, discard
from edgewright.load.sites import Sites
from edgewright.package.archive import EvidenceArchive
from edgewright.package.trust import trusted_signers
from edgewright.package.verify import verify_release
from edgewright.package.view import ReleaseView
from edgewright.render.project import refuse_other_targets, render
from edgewright.render.waves import plan_waves
from edgewright.rollout.answers import Told
from edgewright.rollout.controller import RolloutState, advance, begin, replay
from edgewright.rollout.drive import Devices, Drive
from edgewright.rollout.events import Event, Finished, Recalled, Resumed, Tell
from edgewright.rollout.fleet import resolve_devices, select_devices
from edgewright.rollout.ledger import Ledger, RecordedRollout
from edgewright.rollout.plan import RolloutPlan, make_plan, plan_reconciliation
from edgewright.rollout.roster import Status
from edgewright.rollout.runner import AnsibleRunner, stop_strays
from edgewright.rollout.tools import ansible_tool
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.fleet import Device, Fleet

_LEFT = frozenset({Status.ROLLED_BACK, Status.LEAVE})
_BEFORE_ANY_EXPIRY = datetime.fromtimestamp(0, UTC)
Reach = Callable[["RolloutSession", RolloutPlan, Sequence[str]], Devices]


def reach_by_ansible(session: RolloutSession, plan: RolloutPlan, lifted: Sequence[str]) -> Devices:
    """The real way to devices. In a reconciliation whatever is told to is compared with what was signed."""
    repaired = [device.name for device in plan.devices] if plan.is_reconciliation else []
    return AnsibleRunner(session.project, session.runs, plan.release, lifted, repaired, plan.renewed)


@dataclass(frozen=True, slots=True)
class Asked:
    """What devices told, beside the release and the digests of what the fleet says each should have been given."""

    release: ReleaseView
    devices: tuple[Device, ...]
    told: tuple[Told, ...]
    options: Mapping[str, str]
    signers: str


@dataclass(frozen=True, slots=True)
class RolloutSession:
    """What a roll-out needs. `dist` is `dist/<blueprint>`; `wait_s` is how long absent devices are waited for."""

    root: Path
    blueprint: Blueprint
    fleet: Fleet
    dist: Path
    ledger: Ledger
    progress: EventSink = discard
    wait_s: float = 0.0
    reach: Reach = reach_by_ansible
    sites: Sites = ()

    @property
    def name(self) -> str:
        """The blueprint's name."""
        return self.blueprint.metadata.name

    @property
    def project(self) -> Path:
        """The rendered Ansible project."""
        return self.dist / "ansible"

    @property
    def runs(self) -> Path:
        """Where Ansible's runs leave their logs."""
        return self.ledger.path.parent / "runs" / self.name

    def fleet_devices(self) -> tuple[Device, ...]:
        """All devices of the fleet, read anew each time, with what overlays say of their sites."""
        return resolve_devices(self.fleet, self.root, self.sites)

    def start(self, *, on: Sequence[str] = (), lift: bool = False, abandon: bool = False) -> RolloutState:
        """Roll the release out to the fleet, or to the devices that `on` selects."""
        ansible_tool("ansible-playbook")
        release = verify_release(self.dist, allowed_signers=trusted_signers(self.root))
        devices = select_devices(self.fleet_devices(), on)
        refuse_other_targets(devices, release)
        with self.ledger.exclusive(self.name):
            self._close_earlier(abandon)
            if lift:
                self.ledger.decide("lifted", self.name, release.number, "lifted on the command line")
            self._refuse_denied(release)
            quarantined = self._quarantined(release, devices)
            spec = self.blueprint.spec.rollout
            waves = plan_waves(devices, spec.waves)
            return self._begin(
                release, make_plan(self.name, release.version, release.number, devices, waves, spec, quarantined)
            )

    def ask(self, *, on: Sequence[str] = ()) -> Asked:
        """Have devices tell everything; changes nothing on them, and nothing in `dist/`.

        A release that has expired since it was rolled out is still what devices should run: time plays no part."""
        ansible_tool("ansible-playbook")
        signers = trusted_signers(self.root)
        release = verify_release(self.dist, allowed_signers=signers, deep=False, moment=_BEFORE_ANY_EXPIRY)
        devices = select_devices(self.fleet_devices(), on)
        with tempfile.TemporaryDirectory(prefix="observe-", dir=self.ledger.path.parent) as scratch:
            project = Path(scratch) / "ansible"
            render(self.blueprint, devices, release, signers, project)
            options = {
                device.name: hex_of(digest_file(project / "devices" / f"{device.name}.json")) for device in devices
            }
            runner = AnsibleRunner(project, self.runs.with_name(f"{self.name}.observe"), release.number)
            told = tuple(runner.ask_everything([device.name for device in devices]))
        return Asked(release, devices, told, options, hex_of(digest_bytes(signers)))

    def refuse_unfinished(self) -> None:
        """Raise `rollout-unfinished` when a roll-out was cut off: it has to be ended before another begins."""
        self._close_earlier(abandon=False)

    def reconcile(self, differing: Mapping[str, bool], *, settled: Sequence[str], left: Sequence[str]) -> RolloutState:
        """Roll the release out to devices that differ alone, through waves of their own.

        `differing`: device → whether it runs the release already. Nothing is told to `settled` devices, which are as
        they should be, and to those that are `left` as they are. Raises like `start`."""
        ansible_tool("ansible-playbook")
        release = verify_release(self.dist, allowed_signers=trusted_signers(self.root))
        chosen = {*differing, *settled, *left}
        devices = [device for device in self.fleet_devices() if device.name in chosen]
        refuse_other_targets(devices, release)
        with self.ledger.exclusive(self.name):
            self._close_earlier(abandon=False)
            self._refuse_denied(release)
            quarantined = self._quarantined(release, [device for device in devices if device.name in differing])
            spec = self.blueprint.spec.rollout
            name, version, number = self.name, release.version, release.number
            return self._begin(
                release, plan_reconciliation(name, version, number, devices, differing, settled, spec, quarantined)
            )

    def _quarantined(self, release: ReleaseView, devices: Sequence[Device]) -> list[str]:
        found = set(self.ledger.quarantined(self.name, release.number))
        return sorted(found & {device.name for device in devices})

    def _begin(self, release: ReleaseView, plan: RolloutPlan) -> RolloutState:
        """Archive what vouches for the release, write the plan down, and go."""
        stop_strays(self.runs)
        self._render(release)
        evidence = EvidenceArchive.beside(self.ledger.path).keep_release(self.dist, trusted_signers(self.root))
        state = begin(plan)
        first = {n: device.status.value for n, device in state.devices.items() if device.status != Status.PENDING}
        return self._drive(self.ledger.start(plan, first, evidence), state)

    def resume(self) -> RolloutState:
        """Go on with the last roll-out: observe what is in doubt, try what was absent, finish what is due."""
        ansible_tool("ansible-playbook")
        with self.ledger.exclusive(self.name):
            recorded = self._last()
            if recorded.verdict == "abandoned":
                raise self._nothing_to_resume(f"the last roll-out of {self.name} was abandoned")
            release = verify_release(self.dist, allowed_signers=trusted_signers(self.root))
            if release.number != recorded.plan.release:
                raise fail(
                    "release-changed",
                    f"dist holds {self.name} {release.version}, the roll-out to resume is of {recorded.plan.version}",
                    exit_code=ExitCode.ROLLOUT,
                    subject=self.name,
                    hint=f"compile {recorded.plan.version} again, or start anew with --abandon",
                )
            stop_strays(self.runs)
            self._render(release)
            return self._go_on(recorded, Resumed())

    def recall(self, *, on: Sequence[str] = (), to: int | None = None) -> RolloutState:
        """Take devices off the release of the last roll-out, back to the one they confirmed before."""
        ansible_tool("ansible-playbook")
        with self.ledger.exclusive(self.name):
            recorded = self._last()
            stop_strays(self.runs)
            members = {device.name for device in recorded.plan.devices}
            fleet = [device for device in self.fleet_devices() if device.name in members]
            chosen = tuple(device.name for device in select_devices(fleet, on))
            if to is not None:
                self._refuse_other_way_back(recorded, chosen, to)
            state = self._go_on(recorded, Recalled(chosen))
            if len(chosen) == len(members):
                self.ledger.decide("denied", self.name, recorded.plan.release, "recalled by a person")
            return state

    def _refuse_other_way_back(self, recorded: RecordedRollout, chosen: Sequence[str], to: int) -> None:
        """A device keeps one release to go back to; asked for another, nothing is done on any device."""
        reach = self.reach(self, recorded.plan, ())
        for answer in reach.perform(Tell("observe", tuple(chosen))):
            if answer.outcome == "unreachable":
                continue
            back = answer.previous if answer.current == answer.confirmed else answer.confirmed
            if answer.current not in {to, None} and back != to:
                raise fail(
                    "no-way-back",
                    f"{answer.device} runs release {answer.current} and keeps {back or 'no other'}; "
                    f"it cannot go back to {to}",
                    exit_code=ExitCode.ROLLOUT,
                    subject=answer.device,
                    hint="release the older model again under a higher version",
                )

    def _go_on(self, recorded: RecordedRollout, event: Event) -> RolloutState:
        state = replay(recorded.plan, self.ledger.events(recorded.id))
        after = advance(state, event)
        changed = {name: after.devices[name].status.value for name in after.devices.since(state.devices)}
        self.ledger.append(recorded.id, event, changed)
        return self._drive(recorded.id, after)

    def _drive(self, rollout: int, state: RolloutState) -> RolloutState:
        plan = state.plan
        decision = self.ledger.decision(self.name, plan.release)
        is_lifted = decision is not None and decision[0] == "lifted"
        lifted = [device.name for device in plan.devices] if is_lifted else []
        reach = self.reach(self, plan, lifted)
        state = Drive(self.ledger, rollout, reach, self.progress, self.wait_s).run(state)
        # a full disk or a changed host key is not the release's fault: only what ran and was left denies it
        was_left = any(device.is_quarantined or device.status in _LEFT for device in state.devices.values())
        if state.verdict == "rolled-back" and state.failed_wave is not None and was_left:
            reason = f"wave {state.plan.waves[state.failed_wave - 1].name} failed"
            self.ledger.decide("denied", self.name, plan.release, reason)
        return state

    def _render(self, release: ReleaseView) -> None:
        devices = self.fleet_devices()
        render(self.blueprint, devices, release, trusted_signers(self.root), self.project)

    def _last(self) -> RecordedRollout:
        recorded = self.ledger.latest(self.name)
        if recorded is None:
            raise self._nothing_to_resume(f"{self.name} was never rolled out from here")
        return recorded

    def _nothing_to_resume(self, message: str) -> Exception:
        return fail(
            "no-rollout",
            message,
            exit_code=ExitCode.USAGE,
            subject=str(self.ledger.path),
            hint=f"start one with `edgewright rollout --blueprint {self.name}`",
        )

    def _close_earlier(self, abandon: bool) -> None:
        recorded = self.ledger.latest(self.name)
        if recorded is None or recorded.verdict is not None:
            return
        if not abandon:
            raise fail(
                "rollout-unfinished",
                f"the roll-out of {self.name} {recorded.plan.version} of {recorded.started_at} was cut off",
                exit_code=ExitCode.ROLLOUT,
                subject=self.name,
                hint="go on with `edgewright rollout --resume`, or give it up with `edgewright rollout --abandon`",
            )
        self.ledger.append(recorded.id, Finished("abandoned"), {})

    def _refuse_denied(self, release: ReleaseView) -> None:
        decision = self.ledger.decision(self.name, release.number)
        if decision is not None and decision[0] == "denied":
            raise fail(
                "release-denied",
                f"{self.name} {release.version} was rolled back: {decision[1]}",
                exit_code=ExitCode.ROLLOUT,
                subject=self.name,
                hint="release a fixed version, or lift the denial with --lift after finding the cause",
            )


def complaints(state: RolloutState) -> list[tuple[str, str, str, str | None]]:
    """(device, slug, message, hint) of every device that is not where it should be."""
    found = []
    for name, device in state.devices.items():
        if device.is_failure or (device.slug is not None and device.status != Status.ROLLED_BACK):
            said = device.message or device.status.value
            message = said if said.startswith(name) else f"{name}: {said}"
            found.append((name, device.slug or device.status.value, message, device.hint))
    return found
