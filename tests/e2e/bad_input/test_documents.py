"""Wrong documents end every command at the place of the mistake. The texts are golden files (tests/golden/bad)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.e2e.bad_input.shop import BOARD, Repository

from edgewright.cli.main import COMMANDS

KIOSK = """\
apiVersion: edgewright/v1alpha1
kind: Target
metadata: {name: kiosk}
spec:
  architecture: aarch64
  isa: {cpu: cortex-a53, vectorFloats: 4}
  cores: 4
  memory: 512MiB
  memoryForModel: 256MiB
  disk: 8GB
  memoryBandwidth: 0.5
  power: 4
  os: linux
  libc: {family: glibc, version: "2.36"}
  python: "3.11"
  runtimes: [tvm]
  sources: {isa: a, cores: a, memory: a, memoryForModel: a, disk: a, memoryBandwidth: a, power: a}
"""
FACTS = "facts: {parameters: 134515008, layers: 30, kvHeads: 3, headDim: 64, vocabSize: 49152, hiddenSize: 576}"
BOMB = "".join(f"  x{n}: &x{n} [{', '.join([f'*x{n - 1}' if n else 'x'] * 9)}]\n" for n in range(9))


@dataclass(frozen=True)
class Case:
    """A mistake, the slug it must get, and a text at whose place it is (None: the start of the document)."""

    slug: str
    edit: Callable[[Repository], None]
    mark: str | None
    file: str = "blueprint.yaml"
    nth: int = 1


def edited(old: str, new: str) -> Callable[[Repository], None]:
    return lambda repository: repository.edit(old, new)


def _oversize(repository: Repository) -> None:
    with repository.blueprint.open("a") as stream:
        stream.write("# filler\n" * (2 * 2**20 // 9))


def _cycle(repository: Repository) -> None:
    (repository.root / "policies").mkdir()
    for name, other in (("a", "b"), ("b", "a")):
        text = f"apiVersion: edgewright/v1alpha1\nkind: CompressionPolicy\nmetadata: {{name: {name}}}\n"
        (repository.root / "policies" / f"{name}.yaml").write_text(f"{text}spec: {{extends: {other}}}\n")
    repository.edit("{inline: {name: float32, method: float32}}", "{policy: a}")


def _kiosk(repository: Repository) -> None:
    (repository.root / "kiosk.yaml").write_text(KIOSK)
    repository.edit(BOARD, "kiosk")
    repository.edit("context: 64", f"context: 64\n    {FACTS}")


def _no_rows(repository: Repository) -> None:
    (repository.root / "data" / "questions.jsonl").write_text("")


CASES = {
    "unknown key": Case("unknown-key", edited("context:", "contxt:"), "contxt"),
    "wrong type": Case("wrong-type", edited("context: 64", "context: many"), "many"),
    "duplicate key": Case("duplicate-key", edited("soak: 0s", "soak: 0s\n    soak: 9s"), "soak", nth=2),
    "alias bomb": Case("yaml-alias", edited("spec:\n", f"spec:\n{BOMB}"), "&x0"),
    "2 MiB file": Case("file-too-large", _oversize, None),
    "unknown target": Case("unknown-target", edited(BOARD, "rasberry-pi-4-4g"), "rasberry"),
    "unknown backend": Case("unknown-backend", edited("backend: tvm", "backend: tvn"), "tvn"),
    "cycle of references": Case("policy-cycle", _cycle, "b}", file="policies/a.yaml"),
    "empty dataset": Case("dataset-empty", _no_rows, "data/questions.jsonl"),
    "target too small": Case("target-memory", _kiosk, "kiosk"),
}
ON_A_REPOSITORY = (
    "check", "lock", "plan", "build", "evaluate", "package", "compile", "render", "rollout", "rollback",
    "drift", "reconcile", "migrate",
)  # fmt: skip


def _place(repository: Repository, case: Case) -> str:
    if case.mark is None:
        return f"{repository.root / case.file}:1:1"
    return repository.place(case.mark, file=case.file, nth=case.nth)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_compile_ends_at_the_place_of_the_mistake(repository: Repository, case: Case) -> None:
    case.edit(repository)
    repository.refused("compile", case.slug, f" {_place(repository, case)}\n")
    assert not repository.cache.exists()


@pytest.mark.parametrize("command", ON_A_REPOSITORY)
def test_every_command_ends_at_the_place_of_an_unknown_key(repository: Repository, command: str) -> None:
    repository.edit("context:", "contxt:")
    repository.refused(command, "unknown-key", f" {repository.place('contxt')}\n")


def test_no_command_on_a_repository_is_left_out() -> None:
    without_documents = {"init", "status", "audit", "verify", "targets", "schema", "explain", "doctor", "demo"}
    assert set(ON_A_REPOSITORY) | {"show"} | without_documents == set(COMMANDS)


def test_status_reads_the_ledger_whatever_the_documents_are(repository: Repository) -> None:
    repository.edit("context:", "contxt:")
    assert "confirmed" in repository.succeed("status").stdout
