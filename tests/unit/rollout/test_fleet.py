"""Fleets from inventories are checked like those written by hand; hostile values stay data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.rollout.fleet import resolve_devices, select_devices
from edgewright.spec.v1beta1.fleet import Device, Fleet

HOST: dict[str, Any] = {"edgewright_target": "x86-64-v3", "ansible_host": "10.0.0.1", "edgewright_site": "berlin"}


def fleet_of(tmp_path: Path, hosts: dict[str, dict[str, Any]], group: str = "shops") -> Fleet:
    document = {"all": {"children": {"shops": {"hosts": hosts}, "other": {"hosts": {"lonely": {}}}}}}
    (tmp_path / "hosts.json").write_text(json.dumps(document))
    return Fleet.model_validate(
        {
            "apiVersion": "edgewright/v1beta1",
            "kind": "Fleet",
            "metadata": {"name": "shops"},
            "spec": {"inventory": {"path": "hosts.json", "group": group}},
        }
    )


def test_hosts_of_a_group_become_devices(tmp_path: Path) -> None:
    hosts = {"shop-2": {**HOST, "ansible_port": 2222, "ansible_become": True}, "shop-1": HOST}
    first, second = resolve_devices(fleet_of(tmp_path, hosts), tmp_path)
    assert (first.name, first.site, first.connection.host, first.connection.port) == (
        "shop-1",
        "berlin",
        "10.0.0.1",
        22,
    )
    assert (second.connection.port, second.connection.become) == (2222, True)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"ansible_host": "{{ lookup('pipe', 'touch pwned') }}"}, "ansible_host"),
        ({"ansible_host": "-oProxyCommand=touch pwned"}, "ansible_host"),
        ({"edgewright_root": "/opt/{{ 7 * 7 }}"}, "edgewright_root"),
        ({"edgewright_root": "/opt/../etc"}, "edgewright_root"),
        ({"edgewright_labels": {"role": "{{ 7 * 7 }}"}}, "edgewright_labels"),
        ({"edgewright_port": 70000}, "edgewright_port"),
        ({"ansible_user": "root; reboot"}, "ansible_user"),
        ({"edgewright_target": "x86 64"}, "edgewright_target"),
    ],
)
def test_value_that_is_not_plain_is_refused_with_its_host(
    tmp_path: Path, variables: dict[str, Any], named: str
) -> None:
    with pytest.raises(EdgewrightError) as refused:
        resolve_devices(fleet_of(tmp_path, {"shop-1": {**HOST, **variables}, "shop-2": HOST}), tmp_path)
    [diagnostic] = refused.value.diagnostics
    assert "shop-1" in diagnostic.message
    assert named in diagnostic.message
    assert not list(tmp_path.rglob("pwned"))


def test_every_wrong_host_is_named_in_one_run(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError) as refused:
        resolve_devices(fleet_of(tmp_path, {"shop-1": {}, "shop-2": {}}), tmp_path)
    assert [d.slug for d in refused.value.diagnostics] == ["inventory-host"] * 2


def test_empty_group_and_missing_inventory_say_so(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError) as refused:
        resolve_devices(fleet_of(tmp_path, {"shop-1": HOST}, group="shop"), tmp_path)
    assert (refused.value.diagnostics[0].slug, refused.value.diagnostics[0].hint) == (
        "inventory-empty",
        "did you mean 'shops'?",
    )
    with pytest.raises(EdgewrightError, match="does not exist"):
        resolve_devices(fleet_of(tmp_path, {}), tmp_path / "elsewhere")


def test_selectors_take_names_sites_targets_and_labels() -> None:
    devices = [
        Device(name="shop-1", target="rk3588-8g", site="berlin", labels={"tier": "gold"}),
        Device(name="shop-2", target="x86-64-v3", site="paris"),
        Device(name="till-1", target="x86-64-v3", site="berlin"),
    ]

    def chosen(*words: str) -> list[str]:
        return [device.name for device in select_devices(devices, words)]

    assert chosen() == ["shop-1", "shop-2", "till-1"]
    assert chosen("shop-*") == ["shop-1", "shop-2"]
    assert chosen("@berlin") == ["shop-1", "till-1"]
    assert chosen("target=rk*,till-1") == ["shop-1", "till-1"]
    assert chosen("tier=gold") == ["shop-1"]
    with pytest.raises(EdgewrightError) as refused:
        chosen("shop1")
    assert int(refused.value.exit_code) == 2
    for unset in ("", " ", ","):
        with pytest.raises(EdgewrightError, match="the selector of devices is empty") as refused:
            chosen(unset)
        assert int(refused.value.exit_code) == 2
