"""Devices of an inventory: mistakes are reported at the line that makes them, wherever the value came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.fleet import FleetReader, read_devices, target_places
from edgewright.load.inventory.read import inventory_digest
from edgewright.spec.v1beta1.fleet import Fleet

KEBAB = "lower-case letters, digits and inner dashes, at most 63 characters"
USER = "the name of a user: lower-case letters, digits, _ and -, at most 32 characters"
ADDRESS = "a host name or address that does not start with a dash"
MISTAKES = """all:
  vars:
    edgewright_site: Berlin
  children:
    a:
      vars: {edgewright_port: 70000}
      hosts:
        shop-1:
          edgewright_target: x86-64-v3
          ansible_host: -oProxyCommand=id
        shop-2: {edgewright_site: paris}
"""


def fleet(path: str = "hosts.yaml", group: str = "all") -> Fleet:
    spec = {"inventory": {"path": path, "group": group}}
    return Fleet.model_validate(
        {"apiVersion": "edgewright/v1beta1", "kind": "Fleet", "metadata": {"name": "shops"}, "spec": spec}
    )


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def told(root: Path, files: dict[str, str], path: str = "hosts.yaml") -> list[tuple[str, str]]:
    write(root, files)
    return [(str(problem.span), problem.message) for problem in read_devices(fleet(path), root).problems]


def test_wrong_value_is_reported_where_it_was_written(tmp_path: Path) -> None:
    files = {
        "hosts.yaml": MISTAKES,
        "group_vars/a.yml": "ansible_user: root; reboot\n",
        "host_vars/shop-2/main.yml": "edgewright_target: x86-64-v3\nedgewright_root: /opt/{{ 7 * 7 }}\n",
    }
    assert sorted(told(tmp_path, files)) == [
        (
            "group_vars/a.yml:1:15",
            f"shop-1: ansible_user is 'root; reboot'; allowed: {USER}",
        ),
        (
            "host_vars/shop-2/main.yml:2:18",
            "shop-2: edgewright_root: '/opt/{{ 7 * 7 }}' is not an absolute path of plain names",
        ),
        (
            "hosts.yaml:10:25",
            f"shop-1: ansible_host is '-oProxyCommand=id'; allowed: {ADDRESS}",
        ),
        (
            "hosts.yaml:3:22",
            f"shop-1: edgewright_site is 'Berlin'; allowed: {KEBAB}",
        ),
        ("hosts.yaml:6:31", "shop-1: edgewright_port is 70,000, at most 65,535 allowed"),
    ]


def test_mistake_of_a_group_is_told_once_and_its_hosts_are_counted(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.yaml": "all:\n  vars: {edgewright_target: X1}\n  hosts: {a: , b: , c: }\n"})
    [problem] = read_devices(fleet(), tmp_path).problems
    assert problem.notes == ("2 more hosts have it from here",)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("hosts.yaml", "all:\n  hosts:\n    shop-1:\n", ("hosts.yaml:3:5", "shop-1 lacks edgewright_target")),
        ("hosts.ini", "# x\nshop-1 a=b\n", ("hosts.ini:2:1", "shop-1 lacks edgewright_target")),
        (
            "hosts.ini",
            "shop-1 edgewright_target=X1\n",
            (
                "hosts.ini:1:8",
                f"shop-1: edgewright_target is 'X1'; allowed: {KEBAB}",
            ),
        ),
        (
            "hosts.yaml",
            "all: {hosts: {Shop.x: {edgewright_target: t}}}\n",
            (
                "hosts.yaml:1:15",
                f"Shop.x: name is 'Shop.x'; allowed: {KEBAB}",
            ),
        ),
        (
            "hosts.yaml",
            "all: {hosts: {a: {edgewright_target: !vault x}}}\n",
            ("hosts.yaml:1:38", "a: edgewright_target is !vault, a plain value is needed"),
        ),
        (
            "hosts.yaml",
            "all: {hosts: {a: {edgewright_target: t, ansible_connection: docker}}}\n",
            ("hosts.yaml:1:61", "a: ansible_connection is 'docker'; allowed: ssh or local"),
        ),
    ],
)
def test_message_and_place_of_one_mistake(tmp_path: Path, name: str, text: str, expected: tuple[str, str]) -> None:
    assert told(tmp_path, {name: text}, name) == [expected]


def test_hosts_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    found = told(tmp_path, {"hosts.yaml": "all:\n  hosts:\n" + "".join(f"    shop-{n}:\n" for n in range(60))})
    assert len(found) == 51
    assert found[-1] == ("hosts.yaml:1:1", "hosts.yaml has 10 more hosts with mistakes")


def test_right_hosts_are_devices_although_others_are_wrong(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.yaml": "all:\n  hosts:\n    b:\n    a: {edgewright_target: x86-64-v3}\n"})
    found = read_devices(fleet(), tmp_path)
    assert ([device.name for device in found.devices], len(found.problems)) == (["a"], 1)


def test_unreadable_inventory_is_a_problem_and_no_exception(tmp_path: Path) -> None:
    [problem] = read_devices(fleet(), tmp_path).problems
    assert isinstance(problem, Diagnostic)
    assert problem.slug == "inventory-missing"


def test_places_of_targets_are_found_through_groups_and_ranges(tmp_path: Path) -> None:
    text = "all:\n  hosts:\n    a-[1:2]: {edgewright_target: t}\n    b:\n  vars:\n    edgewright_target: u\n"
    write(tmp_path, {"hosts.yaml": text})
    places = {name: str(span) for name, span in target_places(fleet(), tmp_path, ["a-2", "b"]).items()}
    assert places == {"a-2": "hosts.yaml:3:34", "b": "hosts.yaml:6:24"}


def test_inventory_is_read_once_for_all_who_ask(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.yaml": "all: {hosts: {a: {edgewright_target: t}}}\n"})
    reader = FleetReader()
    first = reader.read(fleet(), tmp_path)
    (tmp_path / "hosts.yaml").unlink()
    assert reader.read(fleet(), tmp_path) is first


def test_digest_of_an_inventory_follows_the_variables_beside_it(tmp_path: Path) -> None:
    write(tmp_path, {"inventory/hosts.yaml": "all: {hosts: {a: }}\n", "inventory/group_vars/all/x.yml": "a: 1\n"})
    first = inventory_digest(tmp_path, "inventory")
    assert inventory_digest(tmp_path, "inventory") == first
    write(tmp_path, {"inventory/README.md": "not read\n"})
    assert inventory_digest(tmp_path, "inventory") == first
    write(tmp_path, {"inventory/group_vars/all/x.yml": "a: 2\n"})
    second = inventory_digest(tmp_path, "inventory")
    write(tmp_path, {"inventory/host_vars/a.yml": "a: 3\n"})
    assert len({first, second, inventory_digest(tmp_path, "inventory")}) == 3


def test_variable_that_only_looks_like_ours_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    shops = "    a: {edgewright_target: x}\n    b: {edgewright_tagret: x}\n"
    write(tmp_path, {"hosts.yaml": f"all:\n  vars: {{edgewright_sites: paris, site: 4}}\n  hosts:\n{shops}"})
    sites, lacking, target = read_devices(fleet(), tmp_path).problems
    assert (str(sites.span), sites.message) == ("hosts.yaml:2:28", "a: edgewright_sites is no variable of edgewright")
    assert (sites.hint, sites.notes) == ("did you mean 'edgewright_site'?", ("1 more host has it from here",))
    assert lacking.message == "b lacks edgewright_target"
    assert (str(target.span), target.hint) == ("hosts.yaml:5:28", "did you mean 'edgewright_target'?")
