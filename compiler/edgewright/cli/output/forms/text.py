"""The report as people read it, without colours: what a terminal shows, in a file."""

from __future__ import annotations

import click

from edgewright.cli.output.diagnostics import render_text
from edgewright.cli.output.findings import Findings


def render(findings: Findings) -> str:
    """Every diagnostic with its line, then their number."""
    return click.unstyle(render_text(findings.diagnostics, findings.sources, allowed=findings.allowed))
