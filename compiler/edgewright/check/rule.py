"""What a rule is: a function from a blueprint in its repository to diagnostics. Rules read documents and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from edgewright.kernel.diagnostics import Diagnostic, Severity, Span
from edgewright.load.documents import Loaded, Repository
from edgewright.load.yaml12 import Path
from edgewright.plugins.registry import Registry
from edgewright.spec.v1alpha1.blueprint import Blueprint, BuildSpec
from edgewright.spec.v1alpha1.compression import PolicyChoice


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

    def span(self, *path: str | int) -> Span:
        """Place of a value of the blueprint."""
        return self.loaded.spans.span(tuple(path))

    def error(
        self, slug: str, message: str, path: Path, *, hint: str | None = None, notes: tuple[str, ...] = ()
    ) -> Diagnostic:
        """An error at a value of the blueprint."""
        return Diagnostic(slug, message, span=self.loaded.spans.span(path), hint=hint, notes=notes)

    def warning(self, slug: str, message: str, path: Path, *, hint: str | None = None) -> Diagnostic:
        """A warning at a value of the blueprint."""
        return Diagnostic(slug, message, span=self.loaded.spans.span(path), hint=hint, severity=Severity.WARNING)

    def builds(self) -> Iterator[tuple[int, BuildSpec, PolicyChoice | None, Path]]:
        """Every build with its position, its compression and where that is written."""
        for index, build in enumerate(self.blueprint.spec.builds):
            if build.compression is not None:
                yield index, build, build.compression, ("spec", "builds", index, "compression")
            else:
                yield index, build, self.blueprint.spec.compression, ("spec", "compression")


class Rule(Protocol):
    """A rule's one function; its module's name is its page's name."""

    def __call__(self, subject: Subject) -> Iterator[Diagnostic]:
        """Yield what is wrong."""
