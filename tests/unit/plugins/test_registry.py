"""The registry: plugins by name, each made once, and what a wrong name says."""

from __future__ import annotations

import importlib.metadata

import pytest

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.plugins import registry as module
from edgewright.plugins.protocols import Backend, Importer, MetricSet, Source
from edgewright.plugins.registry import GROUPS, Registry


def test_every_plugin_loads_once_and_keeps_its_protocol() -> None:
    registry = Registry()
    protocols = {"sources": Source, "importers": Importer, "backends": Backend, "metrics": MetricSet}
    for group in GROUPS:
        assert registry.names(group)
        for name in registry.names(group):
            plugin = registry.load(group, name)
            assert isinstance(plugin, protocols[group])
            assert registry.load(group, name) is plugin


def test_metric_set_is_found_by_its_task() -> None:
    registry = Registry()
    for task in registry.names("metrics"):
        assert registry.metrics(task).task == task


def test_unknown_backend_names_the_closest() -> None:
    with pytest.raises(EdgewrightError) as caught:
        Registry().backend("onnxruntine")
    assert caught.value.diagnostics[0].slug == "unknown-backend"
    assert caught.value.diagnostics[0].hint == "did you mean 'onnxruntime'?"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("edgewright.backends.gone:Plugin", "could not be loaded"),
        ("builtins:object", "does not do what a backend must"),
    ],
)
def test_broken_plugin_says_where_it_is_from(value: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("stale", value, "edgewright.backends")
    monkeypatch.setattr(module, "_entry_points", lambda group: {"stale": point})
    with pytest.raises(EdgewrightError, match=said) as caught:
        Registry().backend("stale")
    assert caught.value.diagnostics[0].slug == "plugin-broken"
    assert value in caught.value.diagnostics[0].message


def test_installation_without_entry_points_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_entry_points", lambda group: {})
    with pytest.raises(EdgewrightError) as caught:
        Registry().backend("tvm")
    assert caught.value.exit_code is ExitCode.MISSING
    assert "install edgewright again" in (caught.value.diagnostics[0].hint or "")
