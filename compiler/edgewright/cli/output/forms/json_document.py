"""The report as one JSON object: `diagnostics`, `allowed`, and what `check` found besides."""

from __future__ import annotations

import json

from edgewright.cli.output.findings import Findings, allowance_values, as_values, well_formed


def render(findings: Findings) -> str:
    """One object, in ASCII so that no character can act on a terminal or hide in a review."""
    sources = findings.sources
    ordered = findings.ordered()
    result = dict(findings.details or {})
    result["diagnostics"] = [as_values(diagnostic, sources) for diagnostic, allowed in ordered if allowed is None]
    if findings.details is not None or findings.allowed:
        result["allowed"] = [allowance_values(allowed, sources) for _, allowed in ordered if allowed is not None]
    return json.dumps(well_formed(result), indent=2, sort_keys=True) + "\n"
