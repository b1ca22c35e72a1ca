"""Actions: the cacheable steps that a locked blueprint needs, as values in order.

Pure: the same documents, lock and tools give the same actions and the same keys. An action's key is the digest of
everything that can change its output: the tool, its options, and the keys of what it reads. Wording never enters it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from edgewright.kernel.digest import Digest, digest_json
from edgewright.load.places import Path as DocumentPath
from edgewright.plugins.protocols import Determinism, FileDigest, WorkerStep

ActionKind = Literal["acquire", "dataset", "import", "build", "evaluate"]
Fingerprint = Callable[[WorkerStep], Digest]
"""Identity of the tool behind a worker step."""


@dataclass(frozen=True, slots=True)
class Action:
    """One cacheable step. `subject` and `origin` are for people: no part of equality or of the key."""

    kind: ActionKind
    key: Digest
    inputs: Mapping[str, Digest]
    """Names as the worker knows them, to keys of other actions."""
    step: WorkerStep | None = None
    locked: tuple[FileDigest, ...] = ()
    options: Any = None
    subject: str = field(default="", compare=False)
    origin: DocumentPath = field(default=(), compare=False)
    """Where the blueprint asks for it: the first place, when several do."""
    is_exclusive: bool = False
    """Measures time or memory: nothing else may run beside it."""

    @property
    def determinism(self) -> Determinism:
        """How far a second run gives the same bytes."""
        return self.step.determinism if self.step else "deterministic"


def files_action(
    kind: Literal["acquire", "dataset"],
    locked: tuple[FileDigest, ...],
    options: Any,
    subject: str,
    origin: DocumentPath = (),
) -> Action:
    """Fetching locked files: their digests are the whole identity, wherever they come from."""
    identity = {"kind": kind, "files": [[f.name, f.digest, f.size] for f in locked]}
    return Action(kind, digest_json(identity), {}, locked=locked, options=options, subject=subject, origin=origin)


def worker_action(
    kind: ActionKind,
    step: WorkerStep,
    available: Mapping[str, Digest],
    fingerprint: Fingerprint,
    subject: str,
    *,
    origin: DocumentPath = (),
    machine: Digest | None = None,
) -> Action:
    """A worker's step on the outputs named by `step.inputs`; `machine` enters the key of what is measured here."""
    inputs = {name: available[source] for name, source in step.inputs.items()}
    identity = {
        "tool": fingerprint(step),
        "step": step.step,
        "options": dict(step.options),
        "inputs": inputs,
        "machine": machine,
    }
    return Action(
        kind,
        digest_json(identity),
        inputs,
        step=step,
        subject=subject,
        origin=origin,
        is_exclusive=machine is not None,
    )
