"""What a small release is made of: a target, a lock, a wheel and an artifact, and a key made by ssh-keygen."""

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from edgewright.kernel.digest import digest_bytes
from edgewright.spec.v1beta1.lock import Lock
from edgewright.spec.v1beta1.target import TargetSpec


def make_key(path: Path, *arguments: str) -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path), *arguments],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    return path


def target(architecture: str) -> TargetSpec:
    names = ("cores", "memory", "disk", "memoryBandwidth", "power", "memoryForModel", "isa")
    return TargetSpec.model_validate(
        {
            "architecture": architecture,
            "isa": {"cpu": "generic", "vectorFloats": 4},
            "cores": 4,
            "memory": "4GiB",
            "memoryForModel": "1GiB",
            "disk": "8GiB",
            "memoryBandwidth": "10GB/s",
            "power": "10W",
            "os": "linux",
            "libc": {"family": "glibc", "version": "2.36"},
            "python": "3.11",
            "runtimes": ("onnxruntime",),
            "sources": dict.fromkeys(names, "test"),
        },
        strict=False,
    )


def lock() -> Lock:
    def entry(kind: str, name: str, **request: str) -> dict[str, Any]:
        files = [{"name": f"{kind}.bin", "digest": digest_bytes(name.encode()), "size": len(name)}]
        return {"kind": kind, "name": name, "request": request, "license": "Apache-2.0", "files": files}

    return Lock.model_validate(
        {
            "apiVersion": "edgewright/v1beta1",
            "kind": "Lock",
            "metadata": {"name": "search"},
            "spec": {
                "blueprint": "search",
                "entries": [
                    entry("dataset", "data/text.jsonl", digest="x"),
                    entry("model", "model", type="wheel", package="m", version="1"),
                    entry("runtime", "onnxruntime x86_64"),
                ],
            },
        },
        strict=False,
    )


def write_wheel(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {
            "tiny/__init__.py": "",
            "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.4\nName: tiny\nVersion: 1.0\nLicense-Expression: MIT\n",
            "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


def write_artifact(folder: Path, architecture: str) -> Path:
    (folder / "model").mkdir(parents=True)
    (folder / "tokenizer").mkdir()
    (folder / "model" / "model.onnx").write_bytes(b"weights" * 1000)
    (folder / "tokenizer" / "tokenizer.json").write_text("{}")
    (folder / "test_vector.json").write_text("{}")
    description = {
        "schema": 1,
        "backend": "onnxruntime",
        "architecture": architecture,
        "recipe": {"method": "int8-dynamic"},
        "model": {"architecture": "bert"},
    }
    (folder / "artifact.json").write_text(json.dumps(description))
    return folder
