"""What a policy extends exists, and no policy extends itself, directly or through others."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.kernel.diagnostics import Diagnostic, did_you_mean
from edgewright.load.documents import Repository
from edgewright.load.policies import lineage

SLUGS = ("policy-cycle", "unknown-policy")


def check_repository(repository: Repository) -> Iterator[Diagnostic]:
    """Every policy once; a cycle is reported at the first of its members by name."""
    policies = repository.policies
    reported: set[frozenset[str]] = set()
    for name in sorted(policies):
        loaded = policies[name]
        extends = loaded.document.spec.extends
        span = loaded.spans.span(("spec", "extends"))
        if extends is not None and extends not in policies:
            hint = did_you_mean(extends, policies)
            yield Diagnostic("unknown-policy", f"there is no policy {extends!r}", span=span, hint=hint)
        names = lineage(policies, name)
        members = frozenset(names)
        if names[0] == names[-1] and len(names) > 1 and members not in reported:
            reported.add(members)
            message = f"policies extend each other in a circle: {' -> '.join(names)}"
            yield Diagnostic("policy-cycle", message, span=span, hint="remove one extends of the circle")
