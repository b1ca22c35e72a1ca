"""The kinds of document that this API version serves."""

from __future__ import annotations

from typing import Final

from edgewright.spec.base import Model
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.compression import CompressionPolicy
from edgewright.spec.v1beta1.fleet import Fleet
from edgewright.spec.v1beta1.lock import Lock
from edgewright.spec.v1beta1.overlay import Overlay
from edgewright.spec.v1beta1.policy import Policy
from edgewright.spec.v1beta1.target import Target

API_VERSION: Final = "edgewright/v1beta1"

KINDS: dict[str, type[Model]] = {
    "Blueprint": Blueprint,
    "CompressionPolicy": CompressionPolicy,
    "Fleet": Fleet,
    "Lock": Lock,
    "Overlay": Overlay,
    "Policy": Policy,
    "Target": Target,
}
