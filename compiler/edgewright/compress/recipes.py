"""From a recipe of a blueprint to the options a worker gets, or to the reason why a backend refuses it.

Owns the conversion. The rules are in `options`, which the workers read too; this module knows the language models and
so never runs in a worker.
"""

from __future__ import annotations

from typing import Any

from edgewright.compress.options import OPTIONS, UnknownOptionError, bits_per_weight, resolve
from edgewright.plugins.protocols import Refusal
from edgewright.spec.v1beta1.compression import Recipe

CHOICES = ("algorithm", "group_size", "symmetric", "mixed_int8", "embedding_bits")


def refuse_recipe(backend: str, recipe: Recipe) -> Refusal | None:
    """Why `backend` cannot build `recipe`, or None."""
    try:
        resolve(backend, recipe.method, _chosen(recipe))
    except UnknownOptionError as error:
        slug = "recipe-method" if error.option == "method" else "recipe-option"
        return Refusal(slug, f"recipe {recipe.name}: {error.message}")
    return None


def worker_recipe(backend: str, recipe: Recipe) -> dict[str, Any]:
    """Every option of the recipe, defaults filled in: what the worker gets and `artifact.json` states."""
    options = resolve(backend, recipe.method, _chosen(recipe))
    result = {"name": recipe.name, "method": recipe.method, **options}
    if recipe.calibration is not None:
        result["calibration_samples"] = recipe.calibration.samples
    return result


def recipe_bits(backend: str, recipe: Recipe) -> float:
    """Average bits of a weight on the device."""
    return bits_per_weight(recipe.method, resolve(backend, recipe.method, _chosen(recipe)))


def methods(backend: str) -> frozenset[str]:
    """Methods that a backend knows."""
    return frozenset(OPTIONS[backend])


def _chosen(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in CHOICES}
