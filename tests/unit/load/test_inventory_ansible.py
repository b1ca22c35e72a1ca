"""What we read of a static inventory is what `ansible-inventory --list` says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from tests.unit.load.inventories import FOLDERS, write_folder

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.load.inventory.files import Files
from edgewright.load.inventory.merge import Inventory
from edgewright.load.inventory.read import read_inventory

TOOL = Path(sys.executable).with_name("ansible-inventory")
pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="ansible-core is not installed beside this Python")

PRECEDENCE = {
    "hosts.yaml": """
all:
  vars: {x: all, a: all, b: all, c: all, d: all, e: all}
  hosts: {lonely: , shop-1: {e: host}}
  children:
    deep:
      vars: {x: deep, a: deep}
      children:
        deeper: {vars: {a: deeper, b: deeper}, hosts: {shop-1: {}, "shop-[2:4]:2222": {d: ranged}}}
    zebra: {vars: {b: zebra, ansible_group_priority: 5, c: zebra}, hosts: {shop-1: }}
    apple: {vars: {c: apple, ansible_group_priority: 10}, hosts: {shop-1: , shop-3: }}
ungrouped: {vars: {c: ungrouped}}
""",
    "group_vars/all.yml": "x: all file\na: all file\n",
    "group_vars/apple/one.yaml": "d: apple file one\n",
    "group_vars/apple/two.json": '{"d": "apple file two", "n": 1e3}',
    "group_vars/nobody.yml": "x: not read: at all",
    "host_vars/shop-1": "x: host file\n",
    "host_vars/lonely.yml": "e: {a: 1}\n",
}
INI = {
    "hosts": """# the shops
lonely ansible_host=10.0.0.1 quoted="a b" ; not a comment = here
[shops]
shop-[01:03] ansible_port=22 flag=True text=yes number=012 list=[1,2]   # a comment
till:2200

[north:children]
shops

[north:vars]
edgewright_site = far north  # not a comment
x={'a': 1}

[shops:vars]
edgewright_site=near
""".replace(" ; not a comment = here", ""),
    "host_vars/shop-02.yaml": "text: from a file\n",
}


def listed(inventory: Path) -> dict[str, Any]:
    command = [str(TOOL), "-i", str(inventory), "--list"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(inventory.parent), "LC_ALL": "C.UTF-8"}
    environment |= {"ANSIBLE_INVENTORY_UNPARSED_FAILED": "true", "ANSIBLE_LOCALHOST_WARNING": "false"}
    done = subprocess.run(command, capture_output=True, check=True, env=environment, cwd=inventory.parent)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def members(document: dict[str, Any], group: str) -> set[str]:
    body = document.get(group, {})
    return set(body.get("hosts", ())).union(*(members(document, child) for child in body.get("children", ())))


def assert_same(inventory: Inventory, document: dict[str, Any]) -> None:
    variables = document["_meta"]["hostvars"]
    ours = {name: json.loads(json.dumps(inventory.variables(name))) for name in inventory.hosts("all")}
    assert {name: ours[name] for name in ours if ours[name]} == variables
    for group in document:
        if group != "_meta":
            assert inventory.hosts(group) == sorted(members(document, group))


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / next(iter(files))


@pytest.mark.parametrize("files", [PRECEDENCE, INI], ids=["yaml", "ini"])
def test_precedence_is_that_of_ansible(tmp_path: Path, files: dict[str, str]) -> None:
    path = write(tmp_path, files)
    assert_same(read_inventory(Files(tmp_path), path.name), listed(path))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(FOLDERS)
def test_generated_inventories_are_read_as_ansible_reads_them(described: dict[str, Any]) -> None:
    with TemporaryDirectory() as scratch:
        write_folder(Path(scratch), described)
        try:
            inventory = read_inventory(Files(Path(scratch)), "inventory")
        except EdgewrightError as refused:
            assume("below itself" not in refused.diagnostics[0].message)
            raise
        assert_same(inventory, listed(Path(scratch) / "inventory"))
