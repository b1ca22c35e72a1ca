"""Fleets of any size, always the same for the same size: a repository of ours, and a Kapitan project of its devices."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "blueprints" / "examples" / "store-assistant"
TARGETS = ("x86-64-v3", "raspberry-pi-5-8g")
FLEET = """apiVersion: edgewright/v1beta1
kind: Fleet
metadata: {name: shops}
spec:
  inventory: {path: inventory/hosts.yaml, group: shops}
"""
_TEMPLATE = "{{ inventory.parameters.address }}\n"
_CLASS = """parameters:
  kapitan:
    vars:
      target: ${_reclass_:name:short}
    compile:
      - {input_type: jinja2, input_paths: [templates/device.txt], output_path: .}
"""


def hosts(devices: int) -> list[tuple[str, str, str, str]]:
    """Name, address, target and site of every device; about twenty devices a site."""
    dice = random.Random(devices)
    sites = max(devices // 20, 2)
    return [
        (
            f"shop-{number:06d}",
            f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
            dice.choice(TARGETS),
            f"site-{dice.randrange(sites)}",
        )
        for number in range(devices)
    ]


def write_repository(root: Path, devices: int, *, blueprints: int = 1) -> Path:
    """A fleet repository over an inventory of YAML; more blueprints are copies under other names, with their locks."""
    shutil.copytree(EXAMPLE / "data", root / "data")
    blueprint = (EXAMPLE / "blueprint.yaml").read_text(encoding="utf-8")
    lock = (EXAMPLE / "store-assistant.lock.yaml").read_text(encoding="utf-8")
    if "ref: shops" not in blueprint:
        raise SystemExit(f"{EXAMPLE} has another fleet than shops")
    for number in range(blueprints):
        name = "store-assistant" if blueprints == 1 else f"store-assistant-{number:04d}"
        folder = root / "blueprints" / name
        folder.mkdir(parents=True)
        own = blueprint.replace("store-assistant", name)
        port = f"\n  service: {{port: {8080 + number}}}"  # of its own: one machine has them all
        own = own.replace("\n  rollout:", f"{port}\n  rollout:")
        (folder / "blueprint.yaml").write_text(own, encoding="utf-8")
        (folder / f"{name}.lock.yaml").write_text(lock.replace("store-assistant", name), encoding="utf-8")
    (root / "fleet.yaml").write_text(FLEET, encoding="utf-8")
    (root / "inventory").mkdir()
    lines = ["all:", "  vars:", "    ansible_user: edge", "    ansible_become: true", "  children:", "    shops:"]
    lines.append("      hosts:")
    for name, address, target, site in hosts(devices):
        lines += [f"        {name}:", f"          ansible_host: {address}"]
        lines += [f"          edgewright_target: {target}", f"          edgewright_site: {site}"]
        lines.append("          edgewright_labels: {ring: stable}")
    (root / "inventory" / "hosts.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def edit_one_device(root: Path, round_number: int) -> None:
    """Give one device another site, as a pull request would."""
    path = root / "inventory" / "hosts.yaml"
    text = path.read_text(encoding="utf-8")
    start = text.index("edgewright_site: ", len(text) // 2)
    end = text.index("\n", start)
    path.write_text(f"{text[:start]}edgewright_site: moved-{round_number}{text[end:]}", encoding="utf-8")


def write_kapitan(root: Path, devices: int) -> Path:
    """The smallest Kapitan project with one target a device: one class, one template of one line."""
    (root / "inventory" / "targets").mkdir(parents=True)
    (root / "inventory" / "classes").mkdir()
    (root / "templates").mkdir()
    (root / "templates" / "device.txt").write_text(_TEMPLATE, encoding="utf-8")
    (root / "inventory" / "classes" / "device.yml").write_text(_CLASS, encoding="utf-8")
    for name, address, target, site in hosts(devices):
        text = f"classes: [device]\nparameters: {{address: {address}, class: {target}, site: {site}}}\n"
        (root / "inventory" / "targets" / f"{name}.yml").write_text(text, encoding="utf-8")
    return root
