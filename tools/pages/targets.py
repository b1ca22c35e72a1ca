"""`docs/reference/targets.md`, from the shipped profiles: every number beside its source."""

from __future__ import annotations

from tools.pages.tables import table

from edgewright.kernel.units import format_size
from edgewright.load.documents import shipped_targets
from edgewright.spec.v1beta1.target import Target

PATH = "reference/targets.md"
_HEAD = """# Targets

The device classes that ship with edgewright. A fleet repository may declare its own, or replace one of these by name.
Every number says where it comes from: measured, declared, or estimated.

"""


def page() -> str:
    """An overview, then one section a profile."""
    targets = {name: loaded.document for name, loaded in sorted(shipped_targets().items())}
    overview = table(
        ["target", "architecture", "cores", "memory", "for the model", "bandwidth", "power", "runtimes"],
        [
            (
                f"[{name}](#{name})",
                target.spec.architecture,
                str(target.spec.cores),
                format_size(target.spec.memory),
                format_size(target.spec.memory_for_model),
                f"{target.spec.memory_bandwidth:g} GB/s",
                f"{target.spec.power:g} W",
                ", ".join(target.spec.runtimes),
            )
            for name, target in targets.items()
        ],
    )
    return _HEAD + overview + "".join(_section(name, target) for name, target in targets.items())


def _section(name: str, target: Target) -> str:
    spec = target.spec
    values = {
        "isa": f"`{spec.isa.cpu}`, {spec.isa.vector_floats} float32 lanes"
        + (", 8-bit dot products" if spec.isa.has_int8_dot else ""),
        "cores": str(spec.cores),
        "memory": format_size(spec.memory),
        "memoryForModel": format_size(spec.memory_for_model),
        "disk": format_size(spec.disk),
        "memoryBandwidth": f"{spec.memory_bandwidth:g} GB/s",
        "power": f"{spec.power:g} W",
        "python": spec.python or "none",
    }
    rows = [(key, values.get(key, ""), source) for key, source in spec.sources.items()]
    return f"\n## {name}\n\n{target.metadata.description or ''}\n\n" + table(["what", "value", "source"], rows)
