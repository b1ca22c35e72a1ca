"""Compression policies with what they extend: the candidates on offer, nearest first.

Pure. A cycle of `extends` is found by `check`; here it only ends the walk.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgewright.load.documents import Loaded
from edgewright.spec.v1alpha1.compression import CompressionPolicy, Recipe

Policies = Mapping[str, Loaded[CompressionPolicy]]


def lineage(policies: Policies, name: str) -> tuple[str, ...]:
    """The policy and what it extends, in order; ends with a repeated name if it is a cycle, or with an unknown one."""
    names = [name]
    while names[-1] in policies:
        following = policies[names[-1]].document.spec.extends
        if following is None:
            break
        names.append(following)
        if following in names[:-1]:
            break
    return tuple(names)


def candidates(policies: Policies, name: str) -> tuple[Recipe, ...]:
    """Every candidate of a policy and of what it extends; a nearer one hides one of the same name."""
    found: dict[str, Recipe] = {}
    for policy in dict.fromkeys(lineage(policies, name)):
        if policy in policies:
            for candidate in policies[policy].document.spec.candidates:
                found.setdefault(candidate.name, candidate)
    return tuple(found.values())
