"""Power loss at every step: kill the agent before its N-th change of the disk, for every N, then look and go on.

The agent's own code runs in a forked process that ends by SIGKILL; what supervises the service is simulated by two
files, because the question here is the order of writes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.device_release import TestDevice
from tests.unit.device.conftest import ReleaseMaker

from edgewright.device import collect, files, repair, stage, switch
from edgewright.device.layout import Layout
from edgewright.device.options import read_options
from edgewright.device.state import State, read_state, remaining_now_s, write_state
from edgewright.device.verify import verify_installed

CHANGES = ("fsync", "replace", "rename", "symlink", "unlink", "link", "rmdir", "mkdir")
OLD, NEW = 1_000_000, 1_001_000
WHY = {"slug": "test", "message": "a test", "deny": True}


class SimulatedSupervisor:
    """Runs what `current` names by writing its name down."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _note(self, name: str, text: str) -> None:
        (self._root / name).write_text(text)

    def prepare(self, revert_after_s: float) -> None:
        del revert_after_s

    def adopt(self, options: object) -> None:
        del options

    def arm(self, revert_after_s: float) -> None:
        self._note("simulated-armed", str(revert_after_s))

    def disarm(self) -> None:
        self._note("simulated-armed", "")

    def restart(self) -> None:
        self._note("simulated-running", str(Layout(self._root).current_release()))

    def stop(self) -> None:
        self._note("simulated-running", "None")

    def agent_path(self) -> str:
        return "/agent"

    def failed_starts(self) -> int:
        return 0


class World:
    """One device root with its simulated supervisor."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = Layout(root)
        self.supervisor = SimulatedSupervisor(root)

    @property
    def state(self) -> State:
        return read_state(self.layout)

    def running(self) -> int | None:
        text = (self.root / "simulated-running").read_text()
        return None if text == "None" else int(text)

    def is_armed(self) -> bool:
        path = self.root / "simulated-armed"
        return path.exists() and path.read_text() != ""

    def settle(self) -> State:
        return switch.settle(self.layout, self.state, self.supervisor)

    def stage(self) -> None:
        options = read_options(self.layout)
        stage.stage(self.layout, options, self.settle(), self.layout.incoming / str(NEW))

    def activate(self) -> None:
        switch.activate(self.layout, read_options(self.layout), self.settle(), self.supervisor, NEW, 100.0)

    def mark_healthy(self) -> None:
        active = self.state.active
        assert active is not None
        write_state(self.layout, replace(self.state, active=replace(active, healthy=True)))

    def confirm(self) -> None:
        switch.confirm(self.layout, self.settle(), self.supervisor, NEW, lambda: NEW)

    def revert(self) -> None:
        state = self.settle()
        if state.active is not None:
            switch.revert(self.layout, state, self.supervisor, WHY)

    def rollback(self) -> None:
        state = self.settle()
        if self.layout.confirmed_release() == NEW:
            switch.rollback(self.layout, state, self.supervisor, WHY)

    def collect(self) -> None:
        collect.collect(self.layout, self.settle(), [], drop_previous=True)

    def damage(self) -> None:
        """One byte of the release that runs changes, in the store too; the good blobs are pushed again."""
        shutil.copytree(self.layout.store, self.layout.incoming / "blobs", dirs_exist_ok=True)
        weights = self.layout.release(OLD) / "artifact" / "model" / "weights.bin"
        content = bytearray(weights.read_bytes())
        content[7] ^= 1
        with weights.open("r+b") as stream:
            stream.write(content)

    def repair(self) -> None:
        options = read_options(self.layout)
        repair.stage_repair(self.layout, options, self.settle(), self.layout.incoming / str(OLD), self.running)

    def renew(self) -> None:
        switch.activate(self.layout, read_options(self.layout), self.settle(), self.supervisor, OLD, 100.0)

    def keep(self) -> None:
        switch.confirm(self.layout, self.settle(), self.supervisor, OLD, lambda: OLD)

    def change_options(self) -> None:
        document = json.loads(self.layout.options.read_text())
        self.layout.options.write_text(json.dumps({**document, "threads": 2}))

    def options_applied(self) -> int:
        return int(json.loads(self.layout.options.read_text())["threads"])

    def overdue(self) -> None:
        """Time passes until nobody can confirm any more; the next run settles."""
        active = self.state.active
        assert active is not None
        write_state(self.layout, replace(self.state, active=replace(active, at_monotonic=active.at_monotonic - 1000)))
        self.settle()

    def check_links(self) -> None:
        """Whatever a link names is there, complete, and what was signed."""
        for number in (self.layout.current_release(), self.layout.confirmed_release()):
            if number is not None:
                release = verify_installed(self.layout, read_options(self.layout), number)
                stage.check_files(self.layout, release)


def _dies_before(change: int, action: Callable[[], None]) -> bool:
    """Run `action` in a forked process that is killed before its `change`-th change; False when it got through."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            _arm_the_kill(change)
            action()
            status = 0
        finally:
            os._exit(status)
    _, waited = os.waitpid(pid, 0)
    if os.WIFSIGNALED(waited):
        assert os.WTERMSIG(waited) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(waited) == 0
    return False


def _arm_the_kill(change: int) -> None:
    left = change

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return counted

    for name in CHANGES:
        setattr(os, name, wrap(getattr(os, name)))


@pytest.fixture
def base(device: TestDevice, make: ReleaseMaker) -> World:
    """A device that runs and confirmed OLD; NEW is pushed."""
    world = World(device.root)
    incoming = device.push(make("1.0.0"))
    world.layout.prepare()
    options = read_options(world.layout)
    switch.reserve_space(world.layout)
    stage.stage(world.layout, options, State(), incoming)
    switch.activate(world.layout, options, world.state, world.supervisor, OLD, 100.0)
    world.mark_healthy()
    switch.confirm(world.layout, world.state, world.supervisor, OLD, lambda: OLD)
    device.push(make("1.1.0", artifact="slow"))
    return world


def _crashes(base: World, tmp_path: Path, prepare: list[str], command: str) -> list[World]:
    """Worlds in which `command` died before its first, second, ... change."""
    for step in prepare:
        getattr(base, step)()
    worlds: list[World] = []
    while True:
        root = tmp_path / f"crash-{len(worlds)}"
        shutil.copytree(base.root, root, symlinks=True)
        world = World(root)
        if not _dies_before(len(worlds) + 1, getattr(world, command)):
            break
        worlds.append(world)
    assert worlds
    return worlds


def test_staging_cut_anywhere_leaves_what_runs_and_can_be_repeated(base: World, tmp_path: Path) -> None:
    for world in _crashes(base, tmp_path, [], "stage"):
        world.check_links()
        assert (world.layout.current_release(), world.layout.confirmed_release()) == (OLD, OLD)
        world.stage()
        assert world.state.staged == NEW
        stage.check_files(world.layout, verify_installed(world.layout, read_options(world.layout), NEW))
        assert not [path for path in world.layout.releases.iterdir() if path.name.startswith(".")]


def test_activation_cut_anywhere_is_old_or_new_and_ends_old_if_nobody_confirms(base: World, tmp_path: Path) -> None:
    seen = set()
    for world in _crashes(base, tmp_path, ["stage"], "activate"):
        world.check_links()
        current = world.layout.current_release()
        seen.add(current)
        assert current in (OLD, NEW)
        if current == NEW:
            assert world.is_armed(), "the way back must be armed before the switch"
        state = world.settle()
        if state.active is None:
            assert world.layout.current_release() == world.running() == OLD
            assert not world.is_armed()
            world.activate()
        assert world.layout.current_release() == world.running() == NEW
        again = World(tmp_path / "again")
        shutil.rmtree(again.root, ignore_errors=True)
        shutil.copytree(world.root, again.root, symlinks=True)
        world.overdue()
        assert world.layout.current_release() == world.running() == OLD
        assert world.state.reverted is not None
        assert world.state.denied == {}
        again.activate()
        again.mark_healthy()
        again.confirm()
        assert again.layout.confirmed_release() == again.layout.current_release() == NEW
    assert seen == {OLD, NEW}


def test_confirmation_cut_anywhere_is_confirmed_or_not(base: World, tmp_path: Path) -> None:
    seen = set()
    for world in _crashes(base, tmp_path, ["stage", "activate", "mark_healthy"], "confirm"):
        world.check_links()
        assert world.layout.current_release() == NEW
        seen.add(world.layout.confirmed_release())
        world.settle()
        if world.layout.confirmed_release() == NEW:
            assert world.state.active is None
            if world.is_armed():  # it died before disarming; the timer then finds nothing to revert
                world.settle()
                assert world.layout.current_release() == NEW
            assert (world.state.previous, world.state.highest_confirmed) == (OLD, NEW)
        else:
            active = world.state.active
            assert active is not None
            assert remaining_now_s(active) > 0
        world.confirm()
        assert world.layout.confirmed_release() == NEW
    assert seen == {OLD, NEW}


def test_a_revert_cut_anywhere_is_finished_by_the_next_run(base: World, tmp_path: Path) -> None:
    for world in _crashes(base, tmp_path, ["stage", "activate"], "revert"):
        world.check_links()
        state = world.settle()
        if state.active is not None:  # it died before its first lasting change
            assert world.is_armed()
            world.revert()
        assert world.layout.current_release() == world.running() == OLD
        assert world.state.reverted is not None
        assert world.state.reverted["slug"] == "test"
        assert NEW in world.state.denied


def test_a_rollback_cut_anywhere_ends_on_one_release(base: World, tmp_path: Path) -> None:
    for world in _crashes(base, tmp_path, ["stage", "activate", "mark_healthy", "confirm"], "rollback"):
        world.check_links()
        world.settle()
        assert world.layout.current_release() == world.layout.confirmed_release() == world.running()
        world.rollback()
        assert world.layout.current_release() == world.layout.confirmed_release() == world.running() == OLD
        assert NEW in world.state.denied


def test_a_repair_cut_anywhere_is_damaged_or_whole_and_can_be_repeated(base: World, tmp_path: Path) -> None:
    for world in _crashes(base, tmp_path, ["damage"], "repair"):
        state = world.settle()
        assert (world.layout.current_release(), world.layout.confirmed_release()) == (OLD, OLD)
        assert world.layout.release(OLD).is_dir(), "what runs is never gone once the next run has settled"
        assert not world.layout.replaced(OLD).exists()
        assert state.active is None
        world.repair()
        world.check_links()
        world.renew()
        if world.state.active is not None:  # not where it died before its first lasting change but one: all was done
            world.mark_healthy()
        world.keep()
        assert world.state.active is None
        assert (world.layout.confirmed_release(), world.state.denied) == (OLD, {})


def test_a_renewal_cut_anywhere_ends_with_the_options_before_if_nobody_confirms(base: World, tmp_path: Path) -> None:
    for world in _crashes(base, tmp_path, ["change_options", "repair"], "renew"):
        world.check_links()
        state = world.settle()
        if state.active is None:
            world.renew()
        assert world.state.active is not None
        assert world.is_armed()
        world.overdue()
        assert (world.layout.current_release(), world.layout.confirmed_release(), world.running()) == (OLD, OLD, OLD)
        assert (world.options_applied(), world.state.denied, world.state.staged) == (1, {}, None)
        world.settle()
        assert world.state.reverted is not None


def test_a_confirmation_of_a_renewal_cut_anywhere_ends_renewed(base: World, tmp_path: Path) -> None:
    steps = ["change_options", "repair", "renew", "mark_healthy"]
    for world in _crashes(base, tmp_path, steps, "keep"):
        world.settle()
        world.keep()
        assert (world.state.active, world.state.reverted, world.layout.confirmed_release()) == (None, None, OLD)
        assert world.layout.options.read_bytes() == world.layout.release_options(OLD).read_bytes()


def test_garbage_collection_cut_anywhere_keeps_what_runs(base: World, tmp_path: Path) -> None:
    for world in _crashes(base, tmp_path, ["stage", "activate", "mark_healthy", "confirm"], "collect"):
        world.check_links()
        world.collect()
        assert [path.name for path in world.layout.releases.iterdir()] == [str(NEW)]
        world.check_links()


def test_a_symlink_is_never_absent_while_it_is_replaced(tmp_path: Path) -> None:
    files.replace_symlink(tmp_path / "current", "releases/1")
    files.replace_symlink(tmp_path / "current", "releases/2")
    assert (tmp_path / "current").readlink() == Path("releases/2")
    assert [path.name for path in tmp_path.iterdir()] == ["current"]
