"""Builds with their names resolved: each target of each build beside its backend and its recipe, as values.

Pure. What it is given has passed `check`, so every name is known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgewright.check.recipes import shipped_recipe
from edgewright.load.documents import Repository
from edgewright.load.places import Path
from edgewright.plugins.protocols import BuildRequest
from edgewright.spec.v1beta1.blueprint import Blueprint, BuildSpec
from edgewright.spec.v1beta1.compression import PolicyChoice, Recipe
from edgewright.spec.v1beta1.target import Target


@dataclass(frozen=True, slots=True)
class BuildChoice:
    """One build for one target."""

    build: BuildSpec
    target_name: str
    target: Target
    recipe: Recipe
    origin: Path
    """Where the blueprint names the target: keys and positions from the document's root."""

    def request(self, blueprint: Blueprint) -> BuildRequest:
        """What the backend is asked."""
        return BuildRequest(
            blueprint.spec, self.target_name, self.target.spec, self.recipe, self.build.sequence_lengths
        )


def recipe_of(repository: Repository, choice: PolicyChoice | None) -> Recipe:
    """The recipe that ships."""
    recipe = shipped_recipe(repository, choice)
    assert recipe is not None
    return recipe


def candidates_of(repository: Repository, choice: PolicyChoice | None) -> tuple[Recipe, ...]:
    """Every recipe on offer: the policy's candidates, or the one that was written inline."""
    if choice is None or choice.policy is None:
        return (recipe_of(repository, choice),)
    return repository.compression_policies[choice.policy].document.spec.candidates


def choices_of(repository: Repository, blueprint: Blueprint) -> tuple[BuildChoice, ...]:
    """The builds of a blueprint in its own order."""
    return tuple(
        BuildChoice(
            build,
            name,
            repository.targets[name].document,
            recipe_of(repository, compression),
            ("spec", "builds", index, "targets", position),
        )
        for index, build in enumerate(blueprint.spec.builds)
        for compression in (build.compression or blueprint.spec.compression,)
        for position, name in enumerate(build.targets)
    )
