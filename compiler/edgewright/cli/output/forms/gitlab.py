"""The report as GitLab Code Quality: the part of the Code Climate form that merge requests show."""

from __future__ import annotations

import json
from typing import Any

from edgewright.cli.output.findings import Findings, fingerprints, full_message, well_formed
from edgewright.kernel.diagnostics import Severity

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render(findings: Findings) -> str:
    """A list with an entry for each diagnostic; what is allowed is not in it."""
    sources = findings.sources
    ordered = sorted(findings.diagnostics, key=lambda d: d.sort_key)
    entries: list[dict[str, Any]] = []
    for diagnostic, fingerprint in zip(ordered, fingerprints(ordered, sources), strict=True):
        span = diagnostic.span
        path = sources.path_from_here(span.path) if span else diagnostic.subject or findings.root.as_posix()
        entries.append(
            {
                "type": "issue",
                "check_name": diagnostic.slug,
                "description": full_message(diagnostic, sources),
                "categories": ["Bug Risk"],
                "severity": _SEVERITIES[diagnostic.severity],
                "fingerprint": fingerprint,
                "location": {"path": path, "lines": {"begin": span.line if span else 1}},
            }
        )
    return json.dumps(well_formed(entries), indent=2) + "\n"
