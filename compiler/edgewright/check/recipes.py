"""Which recipe ships: from what a blueprint says about compression to the recipe that it names. Pure."""

from __future__ import annotations

from edgewright.load.documents import Repository
from edgewright.spec.v1beta1.compression import PolicyChoice, Recipe, float32


def shipped_recipe(repository: Repository, choice: PolicyChoice | None) -> Recipe | None:
    """The recipe of a choice, float32 without one; None when the policy or the recipe in it is unknown."""
    if choice is None:
        return float32()
    if choice.policy is None:
        return choice.inline
    loaded = repository.compression_policies.get(choice.policy)
    if loaded is None:
        return None
    wanted = choice.recipe or loaded.document.spec.recipe
    return next((recipe for recipe in loaded.document.spec.candidates if recipe.name == wanted), None)
