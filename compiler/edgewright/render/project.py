"""Render: write the Ansible project of a release.

Owns `dist/<blueprint>/ansible`. Reads no clock, no network, no environment. Invariants: the same blueprint, devices and
release give the same bytes; playbooks and roles are files, copied unchanged; every value is in a JSON file.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, did_you_mean
from edgewright.kernel.digest import hex_of
from edgewright.kernel.files import new_folder
from edgewright.kernel.resources import share_folder
from edgewright.render.inventory import device_options, inventory, refuse_templates
from edgewright.render.release import ReleaseView
from edgewright.render.waves import Wave, plan_waves
from edgewright.spec.v1beta1.blueprint import Blueprint
from edgewright.spec.v1beta1.fleet import Device

_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", ".ansible")


def render(
    blueprint: Blueprint, devices: Sequence[Device], release: ReleaseView, signers: bytes, out: Path
) -> tuple[Wave, ...]:
    """Write the project to `out`, whole or not at all; returns the waves it has inventories for.

    `signers` is the fleet's list of who may sign, which devices hold releases to; never the one that a release brings.
    """
    refuse_other_targets(devices, release)
    by_name = {device.name: device for device in devices}
    waves = plan_waves(devices, blueprint.spec.rollout.waves)
    backends = {target: build.backend for build in blueprint.spec.builds for target in build.targets}
    name = blueprint.metadata.name
    with new_folder(out) as folder:
        _copy_static(folder)
        (folder / "allowed_signers").write_bytes(signers)
        _write_json(folder / "vars" / "release.json", release_variables(blueprint, release))
        _write_json(folder / "inventories" / "all.json", inventory(sorted(devices, key=lambda d: d.name), name))
        for wave in waves:
            members = [by_name[device] for device in wave.devices]
            _write_json(folder / "inventories" / f"{wave.name}.json", inventory(members, name))
        for device in devices:
            options = device_options(device, blueprint, backends[device.target], release.principal)
            _write_json(folder / "devices" / f"{device.name}.json", options)
    return waves


def release_variables(blueprint: Blueprint, release: ReleaseView) -> dict[str, Any]:
    """What the playbooks know of the release: digests and numbers, no text that a person wrote."""
    targets = {
        name: {
            "manifest": hex_of(target.manifest_digest),
            "agent": next(hex_of(layer.digest) for layer in target.layers if layer.role == "agent"),
            "blobs": sorted({hex_of(layer.digest) for layer in target.layers}),
        }
        for name, target in sorted(release.targets.items())
    }
    variables = {
        "edgewright_blueprint": release.blueprint,
        "edgewright_confirm_timeout_s": int(blueprint.spec.rollout.confirm_timeout),
        "edgewright_release": release.number,
        "edgewright_targets": targets,
    }
    refuse_templates(variables, release.blueprint)
    return variables


def refuse_other_targets(devices: Sequence[Device], release: ReleaseView) -> None:
    """Every device must be of a target that the release was built for; all that are not are named."""
    wrong = [device for device in devices if device.target not in release.targets]
    if wrong:
        raise EdgewrightError(
            *(
                Diagnostic(
                    "release-for-other-target",
                    f"{device.name} is a {device.target}; {release.blueprint} {release.version} is built for "
                    f"{', '.join(sorted(release.targets))}",
                    subject=device.name,
                    hint=did_you_mean(device.target, release.targets),
                )
                for device in wrong
            )
        )


def _copy_static(folder: Path) -> None:
    source = share_folder() / "playbooks"
    shutil.copytree(source / "project", folder, dirs_exist_ok=True, ignore=_NOT_COPIED)
    shutil.copytree(source / "collections", folder / "collections", ignore=_NOT_COPIED)


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=True) + "\n", encoding="utf-8")
