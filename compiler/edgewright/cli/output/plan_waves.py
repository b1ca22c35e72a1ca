"""Where a roll-out goes, drawn for a terminal: a table of its waves, and its sites in a line."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.cli.output.tables import print_table
from edgewright.cli.output.terminal import plain
from edgewright.plan.reach import Share, WaveForecast


def print_waves(waves: tuple[WaveForecast, ...]) -> None:
    """The waves of a roll-out with their devices by target."""
    if waves:
        rows = [
            [
                wave.name,
                f"{wave.touched:,}",
                ", ".join(f"{share.name} {share.devices:,}" for share in wave.targets),
                f"{wave.sites:,}",
            ]
            for wave in waves
        ]
        print_table(["wave", "devices", "targets", "sites"], rows)


def named_sites(sites: Sequence[Share], count: int) -> str:
    """The sites with their devices, and how many of the `count` there are beside them."""
    rest = count - len(sites)
    named = ", ".join(f"{share.name} {share.devices:,}" for share in sites)
    return plain(named) + (f" … and {rest:,} more sites" if rest > 0 else "")
