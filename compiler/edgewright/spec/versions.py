"""API versions: which are served, the kinds of each, and the way from one to the next.

An older version is imported when a document in it is met: nobody waits for models that are not used. Knows nothing of
files and places.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from edgewright.spec.base import Model
from edgewright.spec.changes import Change
from edgewright.spec.v1beta1.documents import API_VERSION, KINDS

NEWEST = API_VERSION
SERVED = (NEWEST, "edgewright/v1alpha1")
"""Newest first. A version that was served once is served for ever."""

Conversion = Callable[[str, Any], list[Change]]


def kinds_of(version: str) -> Mapping[str, type[Model]]:
    """The kinds of a version that is served, with their models."""
    if version == NEWEST:
        return KINDS
    kinds: Mapping[str, type[Model]] = _module(version, "documents").KINDS
    return kinds


def towards_newest(version: str) -> Conversion:
    """The conversion of an older version to the next newer one."""
    conversion: Conversion = _module(version, "conversion").to_newer
    return conversion


def from_newest(version: str) -> Conversion:
    """The conversion of the next newer version to an older one."""
    conversion: Conversion = _module(version, "conversion").to_older
    return conversion


def newer(version: str) -> str:
    """The version after one."""
    return SERVED[SERVED.index(version) - 1]


def older(version: str) -> str:
    """The version before one."""
    return SERVED[SERVED.index(version) + 1]


def short(version: str) -> str:
    """`v1beta1`."""
    return version.split("/")[1]


def _module(version: str, name: str) -> Any:
    return importlib.import_module(f"edgewright.spec.{short(version)}.{name}")
