"""Sets the stage of a page: what the reader is said to have already. Run by the pages' hidden lines.

$STAGE prepare            .demo/ with both examples, a signing key and three devices on this machine
$STAGE edit VERSION [MEMORY]   another version of the store assistant, as a pull request would write it
$STAGE checkout           blueprints/ as they lie in a checkout of edgewright
$STAGE clean              stop the devices
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from edgewright.cli.demo import DEVICES, Workspace, edit_blueprint, free_ports, prepare, stop_devices, write_fleet
from edgewright.kernel.resources import share_folder


def main(action: str, *arguments: str) -> None:
    """Do one of the actions in the current folder."""
    place = Workspace(Path.cwd() / ".demo")
    if action == "prepare":
        prepare(place)
        write_fleet(place, free_ports(len(DEVICES)))
        edit_blueprint(place, "1.0.0", {})
    elif action == "edit":
        version, *memory = arguments
        edit_blueprint(place, version, {"memoryMax": memory[0]} if memory else {})
    elif action == "checkout":
        shutil.copytree(
            share_folder() / "blueprints", "blueprints", ignore=shutil.ignore_patterns("dist", ".edgewright")
        )
    elif action == "clean":
        stop_devices(place)
    else:
        sys.exit(f"no such action: {action}")


if __name__ == "__main__":
    main(*sys.argv[1:])
