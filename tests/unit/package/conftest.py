"""A small release: two targets, a wheel made here, a key made by ssh-keygen."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.package.parts import lock, make_key, target, write_artifact, write_wheel

from edgewright.kernel.digest import digest_bytes
from edgewright.package.inputs import ReleaseInputs, Variant
from edgewright.package.release import package_release
from edgewright.package.signing import Signer, find_signer
from edgewright.package.view import ReleaseView
from edgewright.spec.v1beta1.blueprint import Blueprint

CREATED = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
WHEEL = "tiny-1.0-py3-none-any.whl"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return find_signer(make_key(tmp_path / "key"))


@pytest.fixture
def blueprint() -> Blueprint:
    return Blueprint.model_validate(
        {
            "apiVersion": "edgewright/v1beta1",
            "kind": "Blueprint",
            "metadata": {"name": "search", "version": "1.4.0"},
            "spec": {
                "model": {
                    "task": "embeddings",
                    "source": {"type": "wheel", "package": "m", "version": "1", "folder": "m"},
                },
                "compression": {"inline": {"name": "int8", "method": "int8-dynamic"}},
                "builds": [{"backend": "onnxruntime", "targets": ("x86", "pi")}],
                "evaluation": {"dataset": "data/text.jsonl"},
                "gates": (
                    {"metric": "cosine_mean", "min": 0.99},
                    {"metric": "latency_p95", "max": "1s", "where": "device"},
                ),
                "fleet": {"ref": "shops"},
                "rollout": {"waves": ("100%",)},
            },
        },
        strict=False,
    )


@pytest.fixture
def inputs(tmp_path: Path, blueprint: Blueprint) -> ReleaseInputs:
    wheel = write_wheel(tmp_path / WHEEL)
    gates = ({"metric": "cosine_mean", "verdict": "pass", "value": 0.9951, "min": 0.99},)
    variants = [
        Variant(name, target(arch), "onnxruntime", "int8", write_artifact(tmp_path / name, arch), {WHEEL: wheel}, gates)
        for name, arch in (("x86", "x86_64"), ("pi", "aarch64"))
    ]
    return ReleaseInputs(
        blueprint=blueprint,
        lock=lock(),
        commit="a" * 40,
        created=CREATED,
        expires=CREATED + timedelta(days=365),
        fleet="shops",
        variants=variants,
        documents={"search.yaml": digest_bytes(b"document")},
        environments={"onnx": digest_bytes(b"environment")},
        tools={"pip": "23.2.1"},
    )


@pytest.fixture
def packaged(inputs: ReleaseInputs, signer: Signer, tmp_path: Path) -> ReleaseView:
    return package_release(inputs, tmp_path / "dist" / "search", signer)


@pytest.fixture
def resign(signer: Signer) -> Callable[[Path, Callable[[dict[str, Any]], None]], None]:
    """Edit a statement and sign it again: what a holder of the key could do, by mistake or on purpose."""

    def edit(dist: Path, change: Callable[[dict[str, Any]], None]) -> None:
        path = dist / "evidence" / "statement.json"
        document = json.loads(path.read_bytes())
        change(document)
        path.write_text(json.dumps(document))
        path.with_name("statement.json.sig").write_bytes(signer.sign(path.read_bytes()))

    return edit
