"""The kinds of document that this API version serves."""

from __future__ import annotations

from edgewright.spec.base import Model
from edgewright.spec.v1alpha1.blueprint import Blueprint
from edgewright.spec.v1alpha1.compression import CompressionPolicy
from edgewright.spec.v1alpha1.fleet import Fleet
from edgewright.spec.v1alpha1.lock import Lock
from edgewright.spec.v1alpha1.target import Target

KINDS: dict[str, type[Model]] = {
    "Blueprint": Blueprint,
    "CompressionPolicy": CompressionPolicy,
    "Fleet": Fleet,
    "Lock": Lock,
    "Target": Target,
}
