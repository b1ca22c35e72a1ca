"""Overlays of sites: every device of a site is reached, whether a document, an environment or an inventory names it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.load.overlay_repository import FLEET, HEAD, overlay, patch, write

from edgewright.check.environments import idle_at_sites
from edgewright.load.documents import Repository, load_environments, load_repository
from edgewright.load.inventory.devices import device_values
from edgewright.load.sites import HostMerge, SitePart
from edgewright.load.yaml12 import SpanMap
from edgewright.spec.v1beta1.fleet import Device

HOSTED = f"{HEAD}kind: Fleet\nmetadata: {{name: shops}}\nspec: {{inventory: {{path: hosts/all.yaml}}}}\n"
HOSTS: dict[str, dict[str, Any]] = {
    "one": {"edgewright_target": "x86-64-v3", "edgewright_site": "rhine", "ansible_host": "10.0.0.1"},
    "two": {"edgewright_target": "intel-n100", "edgewright_site": "rhine", "ansible_user": "edge"},
    "three": {"edgewright_target": "riscv64-rvv"},
}


def _inventory(hosts: dict[str, dict[str, Any]]) -> str:
    return "apiVersion: none\n" if not hosts else json.dumps({"all": {"hosts": hosts}})


def _load(
    root: Path,
    files: dict[str, str],
    hosts: dict[str, dict[str, Any]] | None = None,
    *,
    environment: str | None = None,
) -> Repository:
    write(root, {"fleet.yaml": HOSTED, **files})
    (root / "hosts").mkdir(exist_ok=True)
    (root / "hosts/all.yaml").write_text(_inventory(HOSTS if hosts is None else hosts), encoding="utf-8")
    return load_repository(root, keep_problems=True, environment=environment)


def _devices(repository: Repository) -> dict[str, Device]:
    found = repository.devices_of("shops")
    assert [p.message for p in (*repository.problems, *found.problems)] == []
    return {device.name: device for device in found.devices}


def _idle(repository: Repository) -> list[tuple[str, str]]:
    return sorted((p.slug, str(p.span)) for p in idle_at_sites(repository))


def test_overlay_of_a_site_goes_before_what_the_hosts_of_an_inventory_say(tmp_path: Path) -> None:
    text = overlay(
        "devices: {connection: {user: rhine, knownHostsFile: /etc/rhine, become: true}, servicePort: 9000, "
        "labels: {line: blue}, root: /srv/edge, supervisor: process}"
    )
    devices = _devices(_load(tmp_path, {"overlays/rhine/site.yaml": text}))
    for name, host in (("one", "10.0.0.1"), ("two", "two")):
        device, connection = devices[name], devices[name].connection
        assert (connection.host, connection.user, connection.known_hosts_file) == (host, "rhine", "/etc/rhine")
        assert (connection.become, device.port, device.root, device.supervisor) == (True, 9000, "/srv/edge", "process")
        assert device.labels == {"line": "blue"}
    assert devices["three"] == Device.model_validate(device_values("three", HOSTS["three"]))


def test_environment_goes_before_the_site_for_hosts_too(tmp_path: Path) -> None:
    files = {
        "overlays/rhine/site.yaml": overlay("devices: {connection: {user: rhine}, servicePort: 9000}"),
        "overlays/live/sites/rhine.yaml": overlay("devices: {connection: {user: live}}"),
        "overlays/default/site.yaml": overlay("devices: {root: /srv/default}"),
    }
    base = _devices(_load(tmp_path, files))
    live = _devices(_load(tmp_path, files, environment="live"))
    assert [base["one"].connection.user, live["one"].connection.user] == ["rhine", "live"]
    assert [base["one"].port, live["one"].port, live["three"].root] == [9000, 9000, "/srv/default"]


def test_null_takes_a_hosts_value_away_and_leaves_its_address(tmp_path: Path) -> None:
    hosts = {"one": {**HOSTS["one"], "ansible_user": "edge", "edgewright_labels": {"line": "blue", "floor": "1"}}}
    for said, user in (("connection: {user: null}", None), ("connection: null", None)):
        text = overlay(f"devices: {{{said}, labels: {{line: null}}}}")
        device = _devices(_load(tmp_path, {"overlays/rhine/site.yaml": text}, hosts))["one"]
        assert (device.connection.type, device.connection.host, device.connection.user) == ("ssh", "10.0.0.1", user)
        assert device.labels == {"floor": "1"}


def test_connection_of_another_type_replaces_that_of_a_host(tmp_path: Path) -> None:
    hosts = {
        "one": {**HOSTS["one"], "ansible_user": "edge"},
        "two": {**HOSTS["two"], "edgewright_site": "danube", "ansible_connection": "local"},
    }
    files = {
        "overlays/rhine/site.yaml": overlay("devices: {connection: {type: local}}"),
        "overlays/danube/site.yaml": overlay("devices: {connection: {type: ssh, user: main}}"),
    }
    devices = _devices(_load(tmp_path, files, hosts))
    assert devices["one"].connection.model_dump(exclude_defaults=True) == {"type": "local"}
    assert devices["two"].connection.model_dump(exclude_defaults=True) == {"host": "two", "user": "main"}


def test_labels_that_hosts_share_are_not_changed_for_those_elsewhere(tmp_path: Path) -> None:
    """Equal lines of an inventory are read once, so hosts have the same mapping."""
    labels = {"edgewright_labels": {"line": "blue"}}
    hosts = {name: {**variables, **labels} for name, variables in HOSTS.items()}
    text = overlay("devices: {labels: {floor: '1'}}")
    devices = _devices(_load(tmp_path, {"overlays/rhine/site.yaml": text}, hosts))
    assert devices["one"].labels == {"line": "blue", "floor": "1"}
    assert devices["three"].labels == {"line": "blue"}


@pytest.mark.parametrize("site", [["rhine"], {"rhine": 1}, None, 7, "{{ site }}"])
def test_host_with_a_site_that_is_none_is_told_of_as_it_is_without_overlays(tmp_path: Path, site: Any) -> None:
    hosts = {"one": {**HOSTS["one"], "edgewright_site": site}}
    repository = _load(tmp_path, {"overlays/rhine/site.yaml": overlay("devices: {root: /srv}")}, hosts)
    [problem] = repository.devices_of("shops").problems
    assert problem.slug == "inventory-host"
    assert _idle(repository) == []


def test_two_overlays_of_a_site_that_disagree_about_hosts_are_a_conflict_with_both_places(tmp_path: Path) -> None:
    files = {
        "overlays/rhine/site.yaml": overlay("devices: {connection: {user: rhine}}"),
        "overlays/rhine/site.yml": overlay("devices: {connection: {user: main}}"),
    }
    [problem] = _load(tmp_path, files).problems
    assert problem.slug == "overlay-conflict"
    assert problem.message == "connection.user is main here and rhine in another overlay; one may say it"
    assert str(problem.span) == "overlays/rhine/site.yml:5:32"
    assert [str(related.span) for related in problem.related] == ["overlays/rhine/site.yaml:5:32"]


def test_overlay_of_a_site_without_a_host_is_unused_and_one_that_changes_none_is_redundant(tmp_path: Path) -> None:
    files = {
        "overlays/rhein/site.yaml": overlay("devices: {root: /srv}"),
        "overlays/rhine/site.yaml": overlay("devices: {connection: {user: edge}, labels: {line: null}}"),
    }
    hosts = {**HOSTS, "one": {**HOSTS["one"], "ansible_user": "edge"}}
    repository = _load(tmp_path, files, hosts)
    assert [p.message for p in repository.problems] == []
    assert _idle(repository) == [
        ("overlay-redundant", "overlays/rhine/site.yaml:5:32"),
        ("overlay-redundant", "overlays/rhine/site.yaml:5:54"),
        ("overlay-unused", "overlays/rhein/site.yaml:5:3"),
    ]
    [unused] = [p for p in idle_at_sites(repository) if p.slug == "overlay-unused"]
    assert unused.hint == "did you mean 'rhine'?"


def test_overlay_that_a_device_of_another_fleet_needs_is_neither_unused_nor_redundant(tmp_path: Path) -> None:
    other = f"{HEAD}kind: Fleet\nmetadata: {{name: more}}\nspec:\n  devices: [{{name: a, target: t, site: mill}}]\n"
    files = {"more.yaml": other, "overlays/mill/site.yaml": overlay("devices: {root: /srv}")}
    assert _idle(_load(tmp_path, files)) == []


def test_overlay_may_say_to_one_host_what_another_says_already(tmp_path: Path) -> None:
    files = {"overlays/rhine/site.yaml": overlay("devices: {connection: {user: edge}}")}
    assert _idle(_load(tmp_path, files)) == []


def test_environments_with_the_same_overlays_of_sites_read_an_inventory_once(tmp_path: Path) -> None:
    files = {
        "overlays/rhine/site.yaml": overlay("devices: {root: /srv}"),
        "overlays/live/a.yaml": patch("{spec: {model: {context: 128}}}"),
        "overlays/test/sites/rhine.yaml": overlay("devices: {root: /opt/test}"),
    }
    _load(tmp_path, files)
    base, live, test = load_environments(tmp_path)
    assert live.devices_of("shops") is base.devices_of("shops")
    assert [r.devices_of("shops").devices[0].root for r in (base, test)] == ["/srv", "/opt/test"]
    assert base.fleets["shops"].digest != test.fleets["shops"].digest


def test_fleet_outside_the_folder_of_an_overlay_is_not_reached(tmp_path: Path) -> None:
    files = {
        "north/overlays/rhine/site.yaml": overlay("devices: {root: /srv}"),
        "north/fleet.yaml": FLEET.replace("shops", "north"),
    }
    repository = _load(tmp_path, files)
    assert _devices(repository)["one"].root is None
    assert [d.root for d in repository.devices_of("north").devices if d.site == "rhine"] == ["/srv", "/srv"]


def test_overlay_of_a_site_reaches_devices_that_an_environment_adds_or_moves_there(tmp_path: Path) -> None:
    new = "{name: four, target: x86-64-v3, site: rhine, connection: {type: ssh, host: four.example, user: new}}"
    body = f"{{spec: {{devices: [{new}, {{name: one, site: danube}}, {{name: three, site: rhine}}]}}}}"
    files = {
        "fleet.yaml": FLEET,
        "overlays/rhine/site.yaml": overlay("devices: {root: /srv/rhine, connection: {user: rhine}}"),
        "overlays/live/a.yaml": patch(body, kind="Fleet"),
    }
    devices = _devices(_load(tmp_path, files, environment="live"))
    assert {name: (d.site, d.root, d.connection.user) for name, d in devices.items()} == {
        "one": ("danube", None, "edge"),
        "two": ("rhine", "/srv/rhine", "rhine"),
        "three": ("rhine", "/srv/rhine", "rhine"),
        "four": ("rhine", "/srv/rhine", "new"),
    }


def test_patch_and_site_of_one_environment_that_disagree_about_a_device_are_a_conflict(tmp_path: Path) -> None:
    body = "{spec: {devices: [{name: two, servicePort: 9000}]}}"
    files = {
        "fleet.yaml": FLEET,
        "overlays/live/a.yaml": patch(body, kind="Fleet"),
        "overlays/live/sites/rhine.yaml": overlay("devices: {servicePort: 9001}"),
    }
    [problem] = _load(tmp_path, files, environment="live").problems
    assert (problem.slug, str(problem.span)) == ("overlay-conflict", "overlays/live/sites/rhine.yaml:5:26")
    assert [str(related.span)[:20] for related in problem.related] == ["overlays/live/a.yaml"]


@pytest.mark.parametrize("devices", ["null", "5", "[]", "{}", "[5]", "[{name: 5}]", "[{name: null, site: rhine}]"])
def test_devices_that_a_patch_takes_away_or_breaks_are_told_of(tmp_path: Path, devices: str) -> None:
    files = {
        "fleet.yaml": FLEET,
        "overlays/live/a.yaml": patch(f"{{spec: {{devices: {devices}}}}}", kind="Fleet"),
        "overlays/live/sites/rhine.yaml": overlay("devices: {servicePort: 9001}"),
    }
    found = _load(tmp_path, files, environment="live").problems
    if devices != "[]":
        assert any(p.span and p.span.path.startswith("overlays/live") for p in found)
    if devices == "null":
        assert "overlay-conflict" in {p.slug for p in found}


@pytest.mark.parametrize("devices", ["null", "5", "{}", "[5]"])
def test_broken_devices_of_a_fleet_are_told_of_although_a_patch_adds_some(tmp_path: Path, devices: str) -> None:
    files = {
        "fleet.yaml": f"{HEAD}kind: Fleet\nmetadata: {{name: shops}}\nspec: {{devices: {devices}}}\n",
        "overlays/live/a.yaml": patch("{spec: {devices: [{name: a, target: t, site: rhine}]}}", kind="Fleet"),
        "overlays/rhine/site.yaml": overlay("devices: {servicePort: 9001}"),
    }
    for environment in (None, "live"):
        _load(tmp_path, files, environment=environment)


def test_environment_may_take_devices_from_an_inventory_or_write_them_instead(tmp_path: Path) -> None:
    files = {
        "fleet.yaml": FLEET,
        "overlays/live/a.yaml": patch("{spec: {devices: null, inventory: {path: hosts/all.yaml}}}", kind="Fleet"),
        "overlays/rhine/site.yaml": overlay("devices: {root: /srv}"),
    }
    devices = _devices(_load(tmp_path, files, environment="live"))
    assert [device.root for device in devices.values()] == ["/srv", None, "/srv"]
    files["fleet.yaml"] = HOSTED
    body = "{spec: {inventory: null, devices: [{name: a, target: t, site: rhine}]}}"
    files["overlays/live/a.yaml"] = patch(body, kind="Fleet")
    devices = _devices(_load(tmp_path, files, environment="live"))
    assert {name: device.root for name, device in devices.items()} == {"a": "/srv"}


_CONNECTION = st.fixed_dictionaries(
    {},
    optional={
        "user": st.none() | st.sampled_from(["edge", "rhine"]),
        "port": st.none() | st.integers(22, 23),
        "identityFile": st.none() | st.just("/etc/key"),
        "become": st.none() | st.booleans(),
    },
)
_SAID = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.none() | st.dictionaries(st.sampled_from("ab"), st.none() | st.sampled_from("xy"), max_size=2),
        "connection": _CONNECTION,
        "root": st.none() | st.just("/srv"),
        "servicePort": st.none() | st.integers(9000, 9001),
        "supervisor": st.none() | st.sampled_from(["systemd", "process"]),
    },
).filter(bool)
_VARIABLES = {
    "user": "ansible_user",
    "port": "ansible_port",
    "identityFile": "ansible_ssh_private_key_file",
    "become": "ansible_become",
    "labels": "edgewright_labels",
    "root": "edgewright_root",
    "servicePort": "edgewright_port",
    "supervisor": "edgewright_supervisor",
}


def _without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {k: _without_nulls(v) if isinstance(v, dict) else v for k, v in value.items() if v is not None}


@settings(max_examples=60)
@given(_SAID.map(_without_nulls), _SAID, _SAID)
def test_host_becomes_the_device_that_a_document_with_the_same_words_becomes(
    said: dict[str, Any], site: dict[str, Any], environment: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        connection = {"type": "ssh", "host": "a", **said.get("connection", {})}
        device = {"name": "a", "target": "t", "site": "rhine", **said, "connection": connection}
        document = f"{HEAD}kind: Fleet\nmetadata: {{name: shops}}\nspec: {json.dumps({'devices': [device]})}\n"
        files = {
            "overlays/rhine/site.yaml": overlay(f"devices: {json.dumps(site)}"),
            "overlays/live/sites/rhine.yaml": overlay(f"devices: {json.dumps(environment)}"),
        }
        (root / "written").mkdir()
        written = _load(root / "written", {"fleet.yaml": document, **files}, environment="live")
        flat = {**said.get("connection", {}), **{k: v for k, v in said.items() if k != "connection"}}
        variables = {_VARIABLES[key]: value for key, value in flat.items()}
        variables |= {"edgewright_target": "t", "edgewright_site": "rhine"}
        (root / "hosted").mkdir()
        hosted = _load(root / "hosted", files, {"a": variables}, environment="live")
        assert hosted.devices_of("shops").devices == written.devices_of("shops").devices
        told = {(p.slug, p.span.path, p.span.line) for p in written.problems if p.span}
        assert {(p.slug, p.span.path, p.span.line) for p in idle_at_sites(hosted) if p.span} == told


def test_what_changed_any_host_is_noted_once_and_shared_values_stay() -> None:
    part = SitePart("rhine", 0, "a", SpanMap("a", {}, {}), {"root": "/srv", "labels": {"a": "x"}})
    merge, shared = HostMerge.of((part,)), {"b": "y"}
    for number in range(1000):
        values = {"name": f"h{number}", "site": "rhine", "connection": {"type": "ssh"}, "labels": shared}
        merge.into(values)
        assert values["labels"] == {"b": "y", "a": "x"}
    assert shared == {"b": "y"}
    assert merge.telling == {("a", ("root",)), ("a", ("labels", "a"))}
