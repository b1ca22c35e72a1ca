"""A small fleet repository to lay overlays over."""

from __future__ import annotations

from pathlib import Path

HEAD = "apiVersion: edgewright/v1beta1\n"
BLUEPRINT = f"""{HEAD}kind: Blueprint
metadata: {{name: search, version: 1.0.0, labels: {{tier: front}}}}
spec:
  model:
    task: embeddings
    source: {{type: wheel, package: tiny, version: 1.0.0, folder: tiny/model}}
    context: 256
  builds:
    - {{backend: onnxruntime, targets: [x86-64-v3]}}
    - {{backend: tvm, targets: [intel-n100]}}
    - {{backend: tvm, targets: [riscv64-rvv], sequenceLengths: [32]}}
  evaluation: {{dataset: data/questions.jsonl}}
  gates:
    - {{metric: cosine_min, min: 0.97}}
    - {{metric: peak_memory, max: 512MiB, where: device}}
  fleet: {{ref: shops}}
  service: {{threads: 2}}
  rollout: {{waves: [{{canary: {{perTarget: 1}}}}, 100%]}}
"""
FLEET = f"""{HEAD}kind: Fleet
metadata: {{name: shops}}
spec:
  devices:
    - {{name: one, target: x86-64-v3, site: rhine, connection: {{type: ssh, host: one.example, user: edge}}}}
    - {{name: two, target: intel-n100, site: rhine, connection: {{type: ssh, host: two.example, user: edge}}}}
    - {{name: three, target: riscv64-rvv, connection: {{type: ssh, host: three.example, user: edge}}}}
"""


def write(root: Path, files: dict[str, str]) -> Path:
    """A repository with a blueprint, a fleet, and whatever is given; files without a head get that of an overlay."""
    for name, text in {"blueprint.yaml": BLUEPRINT, "fleet.yaml": FLEET, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if text.startswith("apiVersion") else overlay(text), encoding="utf-8")
    return root


def overlay(spec: str) -> str:
    """An overlay with a body."""
    return f"{HEAD}kind: Overlay\nmetadata: {{name: x}}\nspec:\n  {spec}\n"


def patch(body: str, *, kind: str = "Blueprint", more: str = "") -> str:
    """An overlay of one patch; its body is on line 5."""
    return overlay(f"patches: [{{kind: {kind}, {more}patch: {body}}}]")
