"""The report as JSON lines: one object a diagnostic; those that are allowed have a key `allowed`."""

from __future__ import annotations

import json

from edgewright.cli.output.findings import Findings, allowance_values, as_values, well_formed


def render(findings: Findings) -> str:
    """A line for each diagnostic, in order of place; nothing when there is none."""
    sources = findings.sources
    values = (
        as_values(diagnostic, sources) if allowed is None else allowance_values(allowed, sources)
        for diagnostic, allowed in findings.ordered()
    )
    return "".join(json.dumps(well_formed(item), sort_keys=True) + "\n" for item in values)
