"""The example as a user compiles it, on real hosts: ONNX Runtime int8 on amd64, a TVM library on arm64."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.lab.conftest import KIOSK
from tests.lab.scenarios.conftest import World
from tests.lab.scenarios.device import LabDevice
from tests.lab.scenarios.repository import FleetRepository

from edgewright.package.signing import find_signer

pytestmark = [pytest.mark.lab, pytest.mark.frameworks]

EXAMPLE = Path(__file__).resolve().parents[3] / "blueprints" / "examples" / "semantic-search"
PC, BOARD = "x86-64-v3", "raspberry-pi-4-4g"  # the example builds these with onnxruntime and tvm
PORT = 8190
LONGEST_COMPILE_S = 45 * 60  # with an empty cache: worker environments, models and emulated evaluation
QUESTION = "How do I get my money back?"
ANSWER = "Goods can be returned within thirty days for a full refund."
OTHER = "The boiler is serviced every spring by a certified engineer."


def adapt(blueprint: dict[str, Any]) -> None:
    """What a site decides: its fleet, the address of the service, the pace of the roll-out. Not what is built."""
    spec = blueprint["spec"]
    spec["fleet"]["ref"] = "shops"
    spec["service"] = {"address": "0.0.0.0", "port": PORT}
    spec["rollout"] |= {"soak": "0s"}
    # under emulation, time and memory say nothing about a device
    spec["gates"] = [
        gate | {"targets": [PC]} if gate.get("where") == "device" else gate for gate in spec["gates"]
    ]  # fmt: skip


@pytest.fixture(scope="module")
def compiled(world: World) -> FleetRepository:
    """A copy of the example, compiled and signed by `edgewright compile` with the user's cache, for the lab's hosts."""
    devices = [
        LabDevice(world.lab.host(name), BOARD if name == KIOSK else PC, EXAMPLE.name, PORT)
        for name in ("shop-01", "shop-02", KIOSK)
    ]
    repository = FleetRepository(world.folder / "example", world.lab, devices, world.key)
    shutil.copytree(EXAMPLE, repository.root, ignore=shutil.ignore_patterns("dist", ".edgewright"))
    path = repository.root / "blueprint.yaml"
    document = yaml.safe_load(path.read_text())
    adapt(document)
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    repository.write_fleet()
    (repository.root / "allowed_signers").write_bytes(find_signer(world.key).allowed_signers)
    compiling = repository.start("compile", "--signing-key", str(world.key), output=None)
    ended = compiling.end(timeout_s=LONGEST_COMPILE_S)
    assert ended.exit_code == 0, ended.stderr
    return repository


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))


def embed(device: LabDevice) -> list[list[float]]:
    """Embeddings of the three texts, asked for from outside the host."""
    status, answer = device.http(
        "/v1/embeddings", {"model": EXAMPLE.name, "input": [QUESTION, ANSWER, OTHER]}, timeout_s=120
    )
    assert status == 200, answer
    return [entry["embedding"] for entry in answer["data"]]


def test_the_compiled_example_serves_on_two_architectures_and_both_find_the_passage(compiled: FleetRepository) -> None:
    ended = compiled.run("rollout")
    assert (ended.exit_code, ended.verdict) == (0, "confirmed"), ended
    answers = {device.name: embed(device) for device in compiled.devices}
    for device in compiled.devices:
        seen = device.look()
        assert seen.current == seen.confirmed == device.serving()
        question, passage, other = answers[device.name]
        assert len(question) == 384
        assert cosine(question, passage) > cosine(question, other) + 0.2
    for one, other in zip(answers["shop-01"], answers[KIOSK], strict=True):
        assert cosine(one, other) > 0.95, "int8 on amd64 and float32 on arm64 disagree"
    status = compiled.status()
    assert {device.name: status[device.name]["target"] for device in compiled.devices} == {
        "shop-01": PC,
        "shop-02": PC,
        KIOSK: BOARD,
    }
    measured = status["shop-01"]["measurements"]
    assert measured["latency_median"] < 2
    assert measured["peak_memory"] < 512 << 20
