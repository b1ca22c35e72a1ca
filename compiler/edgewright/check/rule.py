"""What a rule is: a function from a blueprint in its repository, or from the repository, to diagnostics.

Owns what rules share about one blueprint: the place of things, and builds with as many of their names resolved as are
known; each is worked out once, whoever asks. What is shared by all blueprints is in `whole`. Invariant: a name whose
own document is wrong counts as known, so that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from edgewright.check.budget import ModelFacts
from edgewright.check.datasets import DatasetReport
from edgewright.check.estimates import Estimated, Variant, estimate_all
from edgewright.check.recipes import shipped_recipe
from edgewright.check.whole import Counts, Whole
from edgewright.kernel.diagnostics import Diagnostic, Severity, Span, did_you_mean
from edgewright.load.documents import Loaded, Repository
from edgewright.load.fixes import name_fix
from edgewright.load.places import Path
from edgewright.plugins.protocols import BuildRequest
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.blueprint import Blueprint, BuildSpec, GateSpec
from edgewright.spec.v1beta1.compression import PolicyChoice, Recipe
from edgewright.spec.v1beta1.fleet import Device, Fleet


@dataclass(frozen=True)
class Subject:
    """What rules look at: one blueprint, and where to find what it names. `facts` are those of an imported model."""

    loaded: Loaded[Blueprint]
    repository: Repository
    registry: Registry
    facts: ModelFacts | None = None
    shared: Whole | None = None

    @cached_property
    def whole(self) -> Whole:
        """What is known about the repository as a whole."""
        return self.shared or Whole(self.repository)

    @property
    def blueprint(self) -> Blueprint:
        """The document."""
        return self.loaded.document

    @property
    def name(self) -> str:
        """Name of the blueprint."""
        return self.loaded.document.metadata.name

    @cached_property
    def built_targets(self) -> frozenset[str]:
        """Names of the targets that the blueprint builds."""
        return frozenset(target for build in self.blueprint.spec.builds for target in build.targets)

    @property
    def fleet(self) -> Loaded[Fleet] | None:
        """The fleet that the release goes to, when its document is right."""
        return self.repository.fleets.get(self.blueprint.spec.fleet.ref)

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices of the fleet, as far as its document has them; `counts` has hosts of inventories too."""
        fleet = self.fleet
        return (fleet.document.spec.devices or ()) if fleet is not None else ()

    @property
    def counts(self) -> Counts:
        """How many devices of each target the fleet has, wherever they are written."""
        return self.whole.counts(self.blueprint.spec.fleet.ref)

    @property
    def real_count(self) -> int:
        """Devices of a fleet that is more than a demonstration: at least one is not the controller itself."""
        return self.counts.total if self.counts.is_real else 0

    def span(self, *path: str | int) -> Span:
        """Place of a value of the blueprint."""
        return self.loaded.spans.span(tuple(path))

    def error(
        self, slug: str, message: str, path: Path, *, hint: str | None = None, notes: tuple[str, ...] = ()
    ) -> Diagnostic:
        """An error at a value of the blueprint."""
        return Diagnostic(slug, message, span=self.loaded.spans.span(path), hint=hint, notes=notes)

    def misnamed(self, slug: str, message: str, path: Path, name: str, known: Iterable[str]) -> Diagnostic:
        """An error at a name of the blueprint that is none of those known: with the closest, and a fix if sure."""
        words = set(known)
        span, fix = self.loaded.spans.span(path), name_fix(self.loaded.spans, path, name, words)
        return Diagnostic(slug, message, span=span, hint=did_you_mean(name, words), fix=fix)

    def warning(
        self, slug: str, message: str, path: Path, *, hint: str | None = None, notes: tuple[str, ...] = ()
    ) -> Diagnostic:
        """A warning at a value of the blueprint."""
        return warning_at(self.loaded, slug, message, path, hint=hint, notes=notes)

    def is_unknown(self, kind: str, name: str, known: Collection[str]) -> bool:
        """Tell whether a name is declared nowhere, not even in a document that is wrong."""
        return name not in known and (kind, name) not in self.repository.broken

    def has_backend(self, name: str) -> bool:
        """Tell whether a backend is installed."""
        return name in self.registry.names("backends")

    def builds(self) -> Iterator[tuple[int, BuildSpec, PolicyChoice | None, Path]]:
        """Every build with its position, its compression and where that is written."""
        for index, build in enumerate(self.blueprint.spec.builds):
            if build.compression is not None:
                yield index, build, build.compression, ("spec", "builds", index, "compression")
            else:
                yield index, build, self.blueprint.spec.compression, ("spec", "compression")

    def recipe(self, choice: PolicyChoice | None) -> Recipe | None:
        """The recipe that would ship, or None when a name on the way is unknown."""
        return shipped_recipe(self.repository, choice)

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """Every build for every target whose backend, target and recipe are known and whose task the backend does."""
        return tuple(self._variants())

    def _variants(self) -> Iterator[Variant]:
        spec = self.blueprint.spec
        for index, build, compression, compression_path in self.builds():
            recipe = self.recipe(compression)
            if recipe is None or not self.has_backend(build.backend):
                continue
            backend = self.registry.backend(build.backend)
            if spec.model.task not in backend.tasks:
                continue
            for position, name in enumerate(build.targets):
                target = self.repository.targets.get(name)
                if target is not None:
                    request = BuildRequest(spec, name, target.document.spec, recipe, build.sequence_lengths)
                    path: Path = ("spec", "builds", index, "targets", position)
                    yield Variant(build, backend, request, path, compression_path, backend.refuse(request))

    @property
    def known_facts(self) -> ModelFacts | None:
        """The imported model's facts, else what the blueprint declares."""
        if self.facts is not None:
            return self.facts
        declared = self.blueprint.spec.model.facts
        return ModelFacts.from_declared(declared) if declared is not None else None

    @cached_property
    def estimated(self) -> tuple[Estimated, ...]:
        """Every build that can be made, with its estimates; nothing while the model's facts are not known."""
        known = self.known_facts
        return tuple(estimate_all(known, self.blueprint.spec, self.variants)) if known is not None else ()

    @cached_property
    def datasets(self) -> tuple[tuple[str, Path, DatasetReport], ...]:
        """Every dataset that is named, where, and what is in it: the evaluation's, and those of recipes that ship."""
        found: dict[str, Path] = {self.blueprint.spec.evaluation.dataset: ("spec", "evaluation", "dataset")}
        for name, path in self.calibrations():
            found.setdefault(name, path)
        return tuple((name, path, self.whole.dataset(name)) for name, path in found.items())

    def calibrations(self) -> Iterator[tuple[str, Path]]:
        """Every calibration dataset of a recipe that would ship, and where the blueprint asks for it."""
        for _, _, choice, path in self.builds():
            recipe = self.recipe(choice)
            if choice is not None and recipe is not None and recipe.calibration is not None:
                inline = choice.inline is not None
                yield recipe.calibration.dataset, (*path, "inline", "calibration", "dataset") if inline else path

    def targets_of(self, gate: GateSpec) -> frozenset[str]:
        """The targets whose builds a gate judges."""
        return frozenset(
            target
            for build in self.blueprint.spec.builds
            for target in build.targets
            if gate.covers(target=target, backend=build.backend)
        )


def warning_at(
    loaded: Loaded[Any],
    slug: str,
    message: str,
    path: Path,
    *,
    hint: str | None = None,
    notes: tuple[str, ...] = (),
    severity: Severity = Severity.WARNING,
) -> Diagnostic:
    """A warning, or what `severity` says, at a value of any document."""
    return Diagnostic(slug, message, span=loaded.spans.span(path), hint=hint, notes=notes, severity=severity)


def error_at(
    loaded: Loaded[Any], slug: str, message: str, path: Path, *, hint: str | None = None, notes: tuple[str, ...] = ()
) -> Diagnostic:
    """An error at a value of any document."""
    return Diagnostic(slug, message, span=loaded.spans.span(path), hint=hint, notes=notes)


class Rule(Protocol):
    """A rule over one blueprint; its module's name is its page's name and, with dashes, its slug."""

    def __call__(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what is wrong."""


class WholeRule(Protocol):
    """A rule over the repository: what concerns several blueprints, or none."""

    def __call__(self, whole: Whole) -> Iterator[Diagnostic]:
        """Yield what is wrong."""
