"""What a rule is: a function from a blueprint in its repository to diagnostics.

Owns what rules share: the place of things, and builds with as many of their names resolved as are known. Invariant: a
name whose own document is wrong counts as known, so that one mistake is reported once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from edgewright.kernel.diagnostics import Diagnostic, Severity, Span
from edgewright.load.documents import Loaded, Repository
from edgewright.load.yaml12 import Path
from edgewright.plugins.protocols import Backend, BuildRequest
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.blueprint import Blueprint, BuildSpec
from edgewright.spec.v1beta1.compression import PolicyChoice, Recipe

FLOAT32 = Recipe(name="float32", method="float32")
"""What a blueprint without compression ships."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One build for one target, all of whose names are known; `path` is where the target is written."""

    build: BuildSpec
    backend: Backend
    request: BuildRequest
    path: Path


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules look at: one blueprint, and where to find what it names."""

    loaded: Loaded[Blueprint]
    repository: Repository
    registry: Registry

    @property
    def blueprint(self) -> Blueprint:
        """The document."""
        return self.loaded.document

    @property
    def name(self) -> str:
        """Name of the blueprint."""
        return self.loaded.document.metadata.name

    @property
    def built_targets(self) -> frozenset[str]:
        """Names of the targets that the blueprint builds."""
        return frozenset(target for build in self.blueprint.spec.builds for target in build.targets)

    def span(self, *path: str | int) -> Span:
        """Place of a value of the blueprint."""
        return self.loaded.spans.span(tuple(path))

    def error(
        self, slug: str, message: str, path: Path, *, hint: str | None = None, notes: tuple[str, ...] = ()
    ) -> Diagnostic:
        """An error at a value of the blueprint."""
        return Diagnostic(slug, message, span=self.loaded.spans.span(path), hint=hint, notes=notes)

    def warning(
        self, slug: str, message: str, path: Path, *, hint: str | None = None, notes: tuple[str, ...] = ()
    ) -> Diagnostic:
        """A warning at a value of the blueprint."""
        span = self.loaded.spans.span(path)
        return Diagnostic(slug, message, span=span, hint=hint, notes=notes, severity=Severity.WARNING)

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
        if choice is None:
            return FLOAT32
        if choice.policy is None:
            return choice.inline
        loaded = self.repository.compression_policies.get(choice.policy)
        if loaded is None:
            return None
        wanted = choice.recipe or loaded.document.spec.recipe
        return next((c for c in loaded.document.spec.candidates if c.name == wanted), None)

    def variants(self) -> Iterator[Variant]:
        """Every build for every target whose backend, target and recipe are known and whose task the backend does."""
        spec = self.blueprint.spec
        for index, build, compression, _ in self.builds():
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
                    yield Variant(build, backend, request, ("spec", "builds", index, "targets", position))


class Rule(Protocol):
    """A rule's one function; its module's name is its page's name."""

    def __call__(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what is wrong."""
