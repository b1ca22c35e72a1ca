"""What an artifact folder says of itself: artifact.json, its test vector, and where its files are.

Owns the reading of both documents. Must not load a model. The folder was verified before it got here, but its author
is another program: every value is checked where native code depends on it.

Invariants: `Artifact` is complete and typed; a file it names is inside the folder.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright.device.documents import Fields, parse_object, read_capped
from edgewright.device.refusal import Refusal

DOCUMENT_CAP_BYTES = 4 * 2**20
VECTOR_CAP_BYTES = 32 * 2**20
EMBEDDINGS, GENERATION = "embeddings", "text-generation"
LARGEST_VOCABULARY = 2**24
LARGEST_CONTEXT = 2**22

_ARCHITECTURES = {
    "x86-64": "x86-64",
    "x86_64": "x86-64",
    "amd64": "x86-64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
    "riscv64": "riscv64",
    "riscv64gc": "riscv64",
    "armv7": "armv7",
    "armv7l": "armv7",
    "armhf": "armv7",
}


def canonical_architecture(name: str) -> str | None:
    """One name per architecture, from any of the usual spellings (`x86_64`, `arm64`, `x86-64-v3`); None if unknown."""
    plain = name.lower()
    if plain.startswith(("x86-64-v", "x86_64-v", "x86_64_v")):
        return "x86-64"
    return _ARCHITECTURES.get(plain)


def host_architecture() -> str | None:
    """The canonical name of this host's architecture, None if unknown."""
    return canonical_architecture(platform.machine())


@dataclass(frozen=True)
class Artifact:
    """A built model, ready to load. Lengths are in tokens, special tokens included."""

    folder: Path
    backend: str
    task: str
    runtime: str
    architecture: str
    recipe: Mapping[str, Any]
    vocab_size: int
    dimension: int | None
    longest: int
    sequence_lengths: tuple[int, ...]
    eos_token_ids: tuple[int, ...]
    bos_token_id: int | None
    pad_token_id: int
    threads_default: int

    @property
    def model(self) -> Path:
        """Folder of the model's files."""
        return self.folder / "model"

    @property
    def tokenizer(self) -> Path:
        """Folder of the tokenizer's files."""
        return self.folder / "tokenizer"


def read_artifact(folder: Path) -> Artifact:
    """Read and check `artifact.json`; refuses `artifact-invalid`."""
    slug = "artifact-invalid"
    document = parse_object(read_capped(folder / "artifact.json", DOCUMENT_CAP_BYTES, slug), "artifact.json", slug)
    top = Fields(document, "artifact.json", slug)
    top.integer("schema", 1, 1)
    runtime, model = top.child("runtime"), top.child("model")
    task = top.text("task")
    if task not in (EMBEDDINGS, GENERATION):
        raise top.refuse("task", f"is {task[:40]!r}, {EMBEDDINGS} and {GENERATION} are known")
    lengths = document["runtime"].get("sequence_lengths") or []
    if not isinstance(lengths, list) or any(type(n) is not int or not 0 < n <= LARGEST_CONTEXT for n in lengths):
        raise Refusal(slug, "artifact.json: runtime: sequence_lengths is not a list of positive numbers")
    longest = top.optional_integer("context", 1, LARGEST_CONTEXT) or model.optional_integer(
        "max_positions", 1, LARGEST_CONTEXT
    )
    if longest is None and not lengths:
        raise top.refuse("context", "is missing, and there are no sequence_lengths either")
    eos = document["model"].get("eos_token_ids") or []
    if not isinstance(eos, list) or any(type(n) is not int for n in eos):
        raise Refusal(slug, "artifact.json: model: eos_token_ids is not a list of numbers")
    recipe = document.get("recipe")
    return Artifact(
        folder=folder,
        backend=top.text("backend"),
        task=task,
        runtime=runtime.text("kind"),
        architecture=top.text("architecture"),
        recipe=recipe if isinstance(recipe, dict) else {},
        vocab_size=model.integer("vocab_size", 1, LARGEST_VOCABULARY),
        dimension=model.integer("dimension", 1, 2**20) if task == EMBEDDINGS else None,
        longest=min([n for n in (longest, max(lengths, default=None)) if n is not None]),
        sequence_lengths=tuple(sorted(lengths)),
        eos_token_ids=tuple(eos),
        bos_token_id=model.optional_integer("bos_token_id", 0, LARGEST_VOCABULARY),
        pad_token_id=model.optional_integer("pad_token_id", 0, LARGEST_VOCABULARY) or 0,
        threads_default=runtime.optional_integer("threads_default", 1, 256) or 1,
    )


def read_vector(folder: Path) -> dict[str, Any]:
    """The test vector the artifact must reproduce; refuses `artifact-invalid`."""
    slug = "artifact-invalid"
    return parse_object(read_capped(folder / "test_vector.json", VECTOR_CAP_BYTES, slug), "test_vector.json", slug)
