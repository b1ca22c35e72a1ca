"""An action's key follows from everything that can change its output, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.kernel.digest import Digest, digest_json
from edgewright.plan.actions import Action, files_action, worker_action
from edgewright.plugins.protocols import FileDigest, WorkerStep

STEP = WorkerStep(
    module="edgewright.backends.tvm.worker",
    packages=("edgewright.backends.tvm",),
    environment="tvm",
    step="build",
    options={"lengths": [32, 128], "target": {"cpu": "x86-64-v3"}},
    inputs={"onnx": "onnx", "model": "canonical"},
)
AVAILABLE = {"onnx": digest_json(1), "canonical": digest_json(2), "other": digest_json(3)}


def tool(step: WorkerStep) -> Digest:
    return digest_json([step.module, step.packages, step.environment, step.version])


def key(step: WorkerStep = STEP, available: dict[str, Digest] = AVAILABLE, machine: Digest | None = None) -> Digest:
    return worker_action("build", step, available, tool, "subject", machine=machine).key


EDITS = {
    "module": replace(STEP, module="edgewright.backends.other.worker"),
    "packages": replace(STEP, packages=("edgewright.backends.tvm", "edgewright.device")),
    "environment": replace(STEP, environment="onnx"),
    "step": replace(STEP, step="emulate"),
    "options": replace(STEP, options={**STEP.options, "lengths": [32]}),
    "nested options": replace(STEP, options={**STEP.options, "target": {"cpu": "x86-64-v4"}}),
    "which input": replace(STEP, inputs={"onnx": "onnx", "model": "other"}),
    "input name": replace(STEP, inputs={"onnx": "onnx", "weights": "canonical"}),
    "version": replace(STEP, version=2),
}


@pytest.mark.parametrize("edited", EDITS.values(), ids=EDITS.keys())
def test_editing_any_part_of_a_step_gives_a_new_key(edited: WorkerStep) -> None:
    assert key(edited) != key()


def test_editing_an_input_gives_a_new_key() -> None:
    assert key(available={**AVAILABLE, "onnx": digest_json(99)}) != key()


def test_what_a_step_does_not_read_leaves_its_key() -> None:
    assert key(available={**AVAILABLE, "other": digest_json(99)}) == key()


def test_machine_enters_the_key_of_what_is_measured() -> None:
    assert len({key(), key(machine=digest_json("a")), key(machine=digest_json("b"))}) == 3


def test_wording_and_bounds_leave_the_key() -> None:
    assert key(replace(STEP, timeout_s=1.0, memory_bytes=1, tools=("gcc",))) == key()
    worded = worker_action("build", STEP, AVAILABLE, tool, "other words", origin=("spec", "builds", 0))
    assert worded == worker_action("build", STEP, AVAILABLE, tool, "subject")


names = st.text("abc/.", min_size=1, max_size=8)
files = st.lists(
    st.builds(FileDigest, names, st.integers(0, 9).map(digest_json), st.integers(0, 10**9)), max_size=4
).map(tuple)


@given(files, files)
def test_fetched_files_are_identified_by_what_they_are(one: tuple[FileDigest], two: tuple[FileDigest]) -> None:
    def action(locked: tuple[FileDigest], options: str) -> Action:
        return files_action("acquire", locked, options, "weights")

    assert (action(one, "here").key == action(two, "there").key) == (one == two)
