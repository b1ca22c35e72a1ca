"""`edgewright render`: write the Ansible project of a packaged release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgewright.cli.arguments import blueprint_option, environment_option, output_option, repository_argument


@click.command("render")
@repository_argument
@blueprint_option
@environment_option
@output_option
def command(repository: Path, blueprints: tuple[str, ...], environment: str | None, output: str) -> None:
    """Write dist/BLUEPRINT/ansible: inventories a wave, playbooks a stage, the collection, JSON variables."""
    import json

    from edgewright.cli.places import dist_folder
    from edgewright.load.documents import load_repository
    from edgewright.package.trust import trusted_signers
    from edgewright.package.verify import verify_release
    from edgewright.render.project import render
    from edgewright.rollout.fleet import resolve_devices

    root = repository.resolve()
    loaded = load_repository(root, selectors=blueprints, environment=environment)
    written: list[dict[str, Any]] = []
    for name, blueprint in sorted(loaded.blueprints.items()):
        fleet = loaded.fleet_of(blueprint)
        dist = dist_folder(root, name, environment)
        signers = trusted_signers(root)
        release = verify_release(dist, allowed_signers=signers)
        devices = resolve_devices(fleet.document, root, fleet.sites)
        waves = render(blueprint.document, devices, release, signers, dist / "ansible")
        written.append(
            {
                "blueprint": name,
                "release": release.number,
                "project": str(dist / "ansible"),
                "waves": [{"name": wave.name, "devices": list(wave.devices)} for wave in waves],
            }
        )
    if output == "json":
        click.echo(json.dumps(written, indent=2))
        return
    for project in written:
        click.echo(f"{project['blueprint']}: {project['project']}")
        for wave in project["waves"]:
            click.echo(f"  {wave['name']}: {', '.join(wave['devices'])}")
