"""Building a tiny encoder for real: every target this machine can run or emulate, and every refusal."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.device_selftest import selftest

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.kernel.events import discard
from edgewright.plugins import processes
from edgewright.plugins.protocols import WorkerStep

pytestmark = pytest.mark.frameworks

Build = Callable[..., dict[str, Any]]
TARGETS = {
    "x86-64": {"architecture": "x86_64", "llvm": {}},
    "x86-64-v3": {"architecture": "x86_64", "llvm": {"mcpu": "x86-64-v3"}},
    "cortex-a72": {"architecture": "aarch64", "llvm": {"mcpu": "cortex-a72", "mattr": ["+neon"]}},
    "rv64gc": {"architecture": "riscv64", "llvm": {"mcpu": "generic-rv64", "mattr": ["+m", "+a", "+f", "+d", "+c"]}},
    "rv64gcv": {
        "architecture": "riscv64",
        "llvm": {"mcpu": "generic-rv64", "mattr": ["+m", "+a", "+f", "+d", "+c", "+v"]},
    },
}
LENGTHS = (8, 21, 64)


def need_tools(target: dict[str, Any]) -> None:
    name = target["architecture"]
    tools = [f"{name}-linux-gnu-gcc"] + ([] if platform.machine() == name else [f"qemu-{name}-static"])
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        pytest.skip(f"{', '.join(missing)} not installed")
    if target["llvm"].get("mcpu") == "x86-64-v3" and "avx2" not in Path("/proc/cpuinfo").read_text().split():
        pytest.skip("this CPU has no AVX2")


@pytest.mark.parametrize("name", TARGETS)
def test_a_library_agrees_with_the_reference_and_needs_only_libc(name: str, build: Build, tmp_path: Path) -> None:
    need_tools(TARGETS[name])
    facts = build(tmp_path / "artifact", TARGETS[name], LENGTHS)
    assert facts["agreement_max_abs"] < 1e-5
    assert set(facts["verified"]) == {"8", "21", "64"}
    assert facts["needed_libraries"] == ["libc.so.6"]
    document = json.loads((tmp_path / "artifact" / "artifact.json").read_text())
    assert document["runtime"]["kind"] == "tvm-static"
    assert document["runtime"]["sequence_lengths"] == list(LENGTHS)
    assert {path.name for path in (tmp_path / "artifact" / "model").iterdir()} == {
        "weights.bin", "encoder_8.so", "encoder_21.so", "encoder_64.so",
    }  # fmt: skip


def test_two_builds_are_byte_identical(build: Build, tmp_path: Path) -> None:
    need_tools(TARGETS["cortex-a72"])
    for name in ("first", "second"):
        build(tmp_path / name, TARGETS["cortex-a72"], (8,))
    for path in sorted((tmp_path / "first").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "second" / path.relative_to(tmp_path / "first")).read_bytes(), path


def test_shorter_lengths_add_nothing_to_the_weights(build: Build, tmp_path: Path) -> None:
    one = build(tmp_path / "one", TARGETS["x86-64"], (64,))
    three = build(tmp_path / "three", TARGETS["x86-64"], LENGTHS)
    assert one["weights_bytes"] == three["weights_bytes"]


def test_emulation_gives_the_test_vector_at_every_length(build: Build, tmp_path: Path) -> None:
    need_tools(TARGETS["rv64gcv"])
    artifact, output = tmp_path / "artifact", tmp_path / "emulated"
    build(artifact, TARGETS["rv64gcv"], (32, 64))
    vector = json.loads((artifact / "test_vector.json").read_text())
    padding = 40 - len(vector["input_ids"])
    options = {
        "target": TARGETS["rv64gcv"],
        "ids": [vector["input_ids"], vector["input_ids"] + [7] * padding],
        "masks": [vector["attention_mask"], vector["attention_mask"] + [0] * padding],
    }
    step = WorkerStep(
        "edgewright.backends.tvm.worker",
        ("edgewright.backends.tvm.worker", "edgewright.backends.onnxruntime.layout"),
        "tvm", "emulate", options, {"artifact": "artifact"},
    )  # fmt: skip
    output.mkdir()
    processes.run_step(step, {"artifact": artifact}, output, subject="tiny", threads=1, events=discard)
    for embedding in json.loads((output / "embeddings.json").read_text())["embeddings"]:
        assert embedding == pytest.approx(vector["embedding"], abs=1e-6)


def test_a_device_accepts_an_artifact_whose_longest_library_is_shorter_than_the_test_text(
    build: Build, tmp_path: Path
) -> None:
    need_tools(TARGETS["x86-64"])
    if platform.machine() != "x86_64":
        pytest.skip("the library runs on x86-64 only")
    build(tmp_path / "artifact", TARGETS["x86-64"], (8,))
    vector = json.loads((tmp_path / "artifact" / "test_vector.json").read_text())
    assert len(vector["input_ids"]) == 8
    result = selftest("tvm", tmp_path / "artifact")["vector"]
    assert (result["ok"], result["message"]) == (True, None)


def refused(
    build: Build, folder: Path, target: dict[str, Any], lengths: tuple[int, ...], **kind: str
) -> tuple[str, str]:
    with pytest.raises(EdgewrightError) as caught:
        build(folder, target, lengths, **kind)
    diagnostic = caught.value.diagnostics[0]
    return diagnostic.slug, f"{diagnostic.message} {diagnostic.hint}"


def test_a_product_without_a_kernel_is_refused(build: Build, tmp_path: Path) -> None:
    slug, text = refused(build, tmp_path / "a", TARGETS["x86-64"], (8,), kind="gram")
    assert slug == "uncovered-kernel"
    assert "relax.matmul 1x8x8" in text


def test_32_bit_arm_is_refused_with_the_reason(build: Build, tmp_path: Path) -> None:
    slug, text = refused(build, tmp_path / "a", {"architecture": "armv7"}, (8,))
    assert slug == "unsupported-architecture"
    assert "wrong numbers" in text


def test_a_length_beyond_the_positions_is_refused(build: Build, tmp_path: Path) -> None:
    slug, text = refused(build, tmp_path / "a", TARGETS["x86-64"], (8, 65))
    assert slug == "sequence-lengths"
    assert "65 is above the 64 positions" in text


def test_a_missing_cross_compiler_names_its_package(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgewrightError) as caught:
        build(tmp_path / "a", TARGETS["cortex-a72"], (8,))
    assert caught.value.diagnostics[0].slug == "missing-tool"
    assert "gcc-aarch64-linux-gnu" in caught.value.diagnostics[0].message
    assert caught.value.exit_code == ExitCode.MISSING
