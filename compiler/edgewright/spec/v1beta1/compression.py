"""Compression: recipes and the reusable policy that offers several of them as candidates."""

from __future__ import annotations

from functools import cache
from typing import Literal, Self

from pydantic import Field, model_validator

from edgewright.spec.base import LabelValue, Metadata, Model, Name, RelativePath

Method = Literal["float32", "int8-dynamic", "int8-static", "int8-weight-only", "int4-weight-only"]


class Calibration(Model):
    """Text that static quantisation measures activations on."""

    dataset: RelativePath
    samples: int = Field(default=128, ge=1, le=10_000)
    labels: dict[Name, LabelValue] = Field(default_factory=dict, description="of the dataset: what policies judge by")


class Recipe(Model):
    """One way to compress a model. Which options a backend takes is checked by the backend."""

    name: Name
    method: Method
    algorithm: Literal["default", "rtn", "k-quant"] | None = None
    group_size: Literal[16, 32, 64, 128] | None = None
    symmetric: bool | None = None
    mixed_int8: bool | None = Field(default=None, description="keep sensitive matrices at 8 bits")
    embedding_bits: Literal[8, 16, 32] | None = Field(default=None, description="precision of the embedding table")
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _static_needs_calibration(self) -> Self:
        if self.method == "int8-static" and self.calibration is None:
            raise ValueError("int8-static needs calibration.dataset: text to measure activations on")
        if self.method != "int8-static" and self.calibration is not None:
            raise ValueError(f"calibration is used by int8-static only, not by {self.method}")
        return self


@cache
def float32() -> Recipe:
    """What a blueprint without compression ships."""
    return Recipe(name="float32", method="float32")


class CompressionSpec(Model):
    """Candidates, and the name of the one that ships.

    A policy that extends another inherits its candidates, replaces those of the same name, and may choose another
    recipe. The loader resolves this: whoever reads a policy from a repository sees the whole list.
    """

    extends: Name | None = Field(default=None, description="a policy whose candidates and choice are inherited")
    recipe: Name | None = Field(default=None, description="the candidate that ships; inherited when absent")
    candidates: tuple[Recipe, ...] = Field(default=(), max_length=32)

    @model_validator(mode="after")
    def _names_are_unique_and_known(self) -> Self:
        names = [candidate.name for candidate in self.candidates]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two candidates are named {name!r}")
        if self.extends is not None:
            return self
        if not names or self.recipe is None:
            raise ValueError("a policy that extends no other needs recipe and at least one candidate")
        if self.recipe not in names:
            raise ValueError(f"recipe {self.recipe!r} is not among the candidates {', '.join(names)}")
        return self


class CompressionPolicy(Model):
    """A reusable compression policy."""

    api_version: Literal["edgewright/v1beta1"]
    kind: Literal["CompressionPolicy"]
    metadata: Metadata
    spec: CompressionSpec


class PolicyChoice(Model):
    """How a blueprint chooses compression: a named policy (and one of its candidates), or a recipe written inline."""

    policy: Name | None = None
    recipe: Name | None = Field(default=None, description="a candidate of the policy; its own choice when absent")
    inline: Recipe | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.policy is None) == (self.inline is None):
            raise ValueError("write either policy or inline")
        if self.inline is not None and self.recipe is not None:
            raise ValueError("recipe chooses a candidate of a policy; with inline there is only one")
        return self
