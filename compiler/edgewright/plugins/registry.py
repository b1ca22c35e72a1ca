"""The registry: finds plugins by name through their entry points; built-ins use the same door as third parties.

Nothing is imported before it is asked for by name. Invariant: what it returns satisfies the seam's protocol.
"""

from __future__ import annotations

import importlib.metadata
from functools import cache, cached_property
from typing import Any, Literal, cast

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, did_you_mean, fail
from edgewright.plugins.protocols import Backend, Importer, MetricSet, Source

Group = Literal["sources", "importers", "backends", "metrics"]
GROUPS: tuple[Group, ...] = ("sources", "importers", "backends", "metrics")
_PROTOCOLS: dict[str, Any] = {"sources": Source, "importers": Importer, "backends": Backend, "metrics": MetricSet}


@cache
def _entry_points(group: Group) -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in _all_entry_points().select(group=f"edgewright.{group}")}


@cache
def _all_entry_points() -> importlib.metadata.EntryPoints:
    """Of every installed package: reading them takes longer than many a command, so all groups share one reading."""
    return cast("importlib.metadata.EntryPoints", importlib.metadata.entry_points())  # 3.11 calls it otherwise


def _unknown(group: Group, name: str, known: tuple[str, ...]) -> EdgewrightError:
    kind = group.removesuffix("s")
    if not known:
        return fail(
            "plugin-broken",
            f"edgewright is installed without its {group}, so there is no {kind} {name!r}",
            exit_code=ExitCode.MISSING,
            hint="its entry points are missing or stale: install edgewright again",
        )
    return fail(f"unknown-{kind}", f"there is no {kind} {name!r}", hint=did_you_mean(name, known))


class Registry:
    """Plugins by group and name, each made once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Any] = {}

    def names(self, group: Group) -> tuple[str, ...]:
        """Names in a group, sorted."""
        return tuple(sorted(_entry_points(group)))

    def load(self, group: Group, name: str) -> Any:
        """The plugin of a group and name; imported and made at the first call."""
        if (group, name) not in self._made:
            point = _entry_points(group).get(name)
            if point is None:
                raise _unknown(group, name, self.names(group))
            try:
                plugin = point.load()()
            except (ImportError, AttributeError) as broken:
                raise fail(
                    "plugin-broken",
                    f"the {group.removesuffix('s')} {name!r} could not be loaded from {point.value}: {broken}",
                    exit_code=ExitCode.MISSING,
                    hint="install the package that provides it again",
                ) from broken
            if not isinstance(plugin, _PROTOCOLS[group]):
                message = f"{point.value} does not do what a {group.removesuffix('s')} must"
                hint = "install the version of the package that was made for this edgewright"
                raise fail("plugin-broken", message, exit_code=ExitCode.MISSING, hint=hint)
            self._made[group, name] = plugin
        return self._made[group, name]

    def source(self, name: str) -> Source:
        """The source of a kind, such as `wheel`."""
        plugin: Source = self.load("sources", name)
        return plugin

    def importer(self) -> Importer:
        """The importer into the canonical model folder."""
        return self._importer

    @cached_property
    def _importer(self) -> Importer:
        plugin: Importer = self.load("importers", "canonical")
        return plugin

    def backend(self, name: str) -> Backend:
        """The backend of a name, such as `onnxruntime`."""
        plugin: Backend = self.load("backends", name)
        return plugin

    def metrics(self, task: str) -> MetricSet:
        """The metrics of a task, such as `embeddings`."""
        plugin: MetricSet = self.load("metrics", task)
        return plugin
