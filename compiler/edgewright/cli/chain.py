"""The chain of stages as the commands run it: one session holds what was loaded, and each stage is one method.

Owns the order of stages and where their results lie in `dist/`. Every stage's own work is in its package; nothing is
printed here. A stage reads what the one before it made, so a command that needs a late stage runs the early ones too:
they cost nothing when nothing changed.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.build.store import Result, Store
from edgewright.check.budget import ModelFacts
from edgewright.check.imported import wrong_facts
from edgewright.check.revision import CheckedCommit
from edgewright.check.run import require_valid
from edgewright.cli.known import imported_facts
from edgewright.cli.places import dist_folder
from edgewright.evaluate.explain import no_gate, red_gates
from edgewright.evaluate.gates import GateResult, judge
from edgewright.evaluate.measurements import FILE as MEASUREMENTS
from edgewright.evaluate.measurements import Measurements, parse_measurements
from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, ExitCode, fail
from edgewright.kernel.digest import Digest, digest_json
from edgewright.kernel.events import EventSink
from edgewright.kernel.resources import cache_folder
from edgewright.load.documents import Loaded, Repository, load_repository
from edgewright.lock.choices import BuildChoice, candidates_of, choices_of
from edgewright.lock.document import LockView, missing_lock, stale_diagnostics
from edgewright.lock.place import lock_place
from edgewright.lock.wanted import wanted_entries
from edgewright.plan.plan import Plan, Variant, make_plan
from edgewright.plugins.identity import fingerprint
from edgewright.plugins.protocols import SourceContext
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.blueprint import Blueprint

if TYPE_CHECKING:
    from edgewright.build.executor import BuildContext


def machine_identity() -> Digest:
    """Identity of the computer that measures: architecture, CPU model, flags and number of cores."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    kept = {line for line in lines if line.startswith(("model name", "flags", "Features", "isa"))}
    return digest_json({"machine": platform.machine(), "cpu": sorted(kept), "cores": os.cpu_count()})


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The measurements of a variant and the verdicts of the gates that apply to it."""

    variant: Variant
    measurements: Measurements
    gates: tuple[GateResult, ...]

    @property
    def subject(self) -> str:
        """The build in words."""
        return f"{self.variant.target_name} ({self.variant.backend}, {self.variant.recipe.name})"


class Session:
    """One run of the compiler over one fleet repository, in one environment or in none.

    `results` is where `dist/` lies: the root itself, unless the root is a revision laid out elsewhere: `commit`.
    Without `policies` the organisation's rules are not judged.
    """

    def __init__(
        self,
        root: Path,
        selectors: Sequence[str],
        events: EventSink,
        *,
        results: Path | None = None,
        environment: str | None = None,
        commit: CheckedCommit | None = None,
        policies: bool = True,
    ) -> None:
        self.root = root.resolve()
        self.environment = environment
        self.commit = commit
        self.policies = policies
        self.results = (results or root).resolve()
        self.selectors = tuple(selectors)
        self.events = events
        self.registry = Registry()
        self.store = Store()
        self._warnings: list[Diagnostic] = []

    @cached_property
    def repository(self) -> Repository:
        """The documents, loaded and checked; raises with every error of every file."""
        repository = load_repository(
            self.root, selectors=self.selectors, keep_problems=True, environment=self.environment
        )
        self._warnings = require_valid(repository, self.registry, policies=self.policies, commit=self.commit)
        return repository

    @property
    def warnings(self) -> list[Diagnostic]:
        """What `check` found that does not stop a compile."""
        return self._warnings if self.repository else []

    @property
    def blueprints(self) -> list[Loaded[Blueprint]]:
        """The selected blueprints by name."""
        return [loaded for _, loaded in sorted(self.repository.blueprints.items())]

    def dist(self, blueprint: Blueprint) -> Path:
        """Where the results of a blueprint lie."""
        return dist_folder(self.results, blueprint.metadata.name, self.environment)

    def lock(self, loaded: Loaded[Blueprint]) -> LockView:
        """The current lock; a missing or stale one ends with the way out."""
        blueprint = loaded.document
        found = self.repository.locks.get(blueprint.metadata.name)
        if found is None:
            missing = EdgewrightError(missing_lock(blueprint, self.lock_file(loaded)))
            raise missing.placed(loaded.spans.span(("metadata", "name")))
        stale = list(stale_diagnostics(found, wanted_entries(self.repository, blueprint, self.registry), loaded))
        if stale:
            raise EdgewrightError(*stale)
        return LockView(found.document)

    def lock_file(self, loaded: Loaded[Blueprint]) -> str:
        """Where the lock belongs: beside the blueprint; in an environment, there only when it asks for the same."""
        return lock_place(self.repository, loaded, self.registry)

    def plan(self, loaded: Loaded[Blueprint], *, candidates: bool = False) -> Plan:
        """The plan of a blueprint's builds; with `candidates`, of every recipe on offer."""
        blueprint = loaded.document
        choices = choices_of(self.repository, blueprint)
        if candidates:
            choices = self._all_candidates(blueprint, choices)
        lock = self.lock(loaded)
        return make_plan(blueprint, choices, lock, self.registry, fingerprint, machine_identity())

    def _all_candidates(self, blueprint: Blueprint, choices: tuple[BuildChoice, ...]) -> tuple[BuildChoice, ...]:
        found: list[BuildChoice] = []
        for build in blueprint.spec.builds:
            first = next(choice for choice in choices if choice.build is build)
            backend = self.registry.backend(build.backend)
            for recipe in candidates_of(self.repository, build.compression or blueprint.spec.compression):
                choice = replace(first, recipe=recipe)
                if recipe.method in backend.methods and backend.refuse(choice.request(blueprint)) is None:
                    found.append(choice)
        return tuple(found)

    def _context(self, plan: Plan) -> BuildContext:
        from edgewright.build.executor import BuildContext

        sources = SourceContext(self.root, cache_folder() / "downloads")
        spans = self.repository.blueprints[plan.blueprint.metadata.name].spans
        return BuildContext(self.store, self.registry, sources, self.events, spans.span)

    def build(self, plan: Plan) -> Mapping[Digest, Result]:
        """Build every artifact of a plan, without measuring it."""
        from edgewright.build.executor import execute

        return execute([action for action in plan.actions if action.kind != "evaluate"], self._context(plan))

    def evaluate(self, plan: Plan) -> tuple[Evaluated, ...]:
        """Build and measure every variant, and judge it by the blueprint's gates."""
        from edgewright.build.executor import execute

        results = execute(plan.actions, self._context(plan))
        evaluated = []
        for variant in plan.variants:
            entry = results[variant.measurements].tree[MEASUREMENTS]
            measurements = parse_measurements(self.store.blob(entry.digest).read_bytes(), variant.target_name)
            gates = judge(plan.blueprint.spec.gates, measurements, backend=variant.backend, target=variant.target_name)
            evaluated.append(Evaluated(variant, measurements, gates))
        return tuple(evaluated)

    def require_green(self, loaded: Loaded[Blueprint], evaluated: Sequence[Evaluated]) -> None:
        """Raise with every red gate, each at its line in the blueprint."""
        diagnostics: list[Diagnostic] = []
        for item in evaluated:
            subject = f"{loaded.document.metadata.name} on {item.subject}"
            diagnostics += red_gates(
                item.gates, subject=subject, span_of=lambda index: loaded.spans.span(("spec", "gates", index))
            )
            if not item.gates:
                diagnostics.append(no_gate(subject=subject, span=loaded.spans.span(("spec", "gates"))))
        if diagnostics:
            raise EdgewrightError(*diagnostics, exit_code=ExitCode.GATE)

    def facts(self, loaded: Loaded[Blueprint]) -> ModelFacts | None:
        """The shape of the imported model, when it was imported already."""
        return imported_facts(self.store, self.store.result(self.plan(loaded).canonical))

    def require_facts(self, loaded: Loaded[Blueprint]) -> None:
        """What the blueprint declares about its model is what was imported; raises with every fact that is not."""
        imported = self.facts(loaded)
        wrong = list(wrong_facts(loaded, imported)) if imported is not None else []
        if wrong:
            raise EdgewrightError(*wrong)

    def materialise(self, plan: Plan, key: Digest, folder: Path) -> None:
        """Lay the output of an action out in a folder."""
        result = self.store.result(key)
        if result is None:
            raise fail("not-built", f"{plan.action(key).subject} was not built", hint="run edgewright build")
        self.store.materialise(result.tree, folder)

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """A folder beside the store, so that hard links work; removed at its end."""
        root = cache_folder() / "scratch"
        root.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=root, prefix="package-")
