"""`docs/reference/metrics.md`, from what the installed metric sets say of themselves."""

from __future__ import annotations

from tools.pages.tables import table

from edgewright.plugins.registry import Registry

PATH = "reference/metrics.md"
_HEAD = """# Metrics

What a gate can ask for. Build metrics are measured on the built artifact against the float32 reference; with
`where: device` a device measures, at its health check. [Gates](../gates.md) says how to choose bounds. A metric
without a unit is a plain number: a share, a ratio, a cosine, a divergence in nats.
"""


def page() -> str:
    """One section a task."""
    registry = Registry()
    sections = []
    for task in sorted(registry.names("metrics")):
        metrics = registry.metrics(task)
        rows = [(f"`{name}`", unit, metrics.descriptions[name]) for name, unit in sorted(metrics.metrics.items())]
        sections.append(f"\n## {task}\n\n" + table(["metric", "unit", "how it is measured"], rows))
    return _HEAD + "".join(sections)
