"""Sets the stage of a page: what the reader is said to have already. Run by the pages' hidden lines.

$STAGE checkout           blueprints/ as they lie in a checkout of edgewright
$STAGE prepare            .demo/ with both examples, a signing key and three devices on this machine
$STAGE edit VERSION [MEMORY]   another version of the store assistant, as a pull request would write it
$STAGE allow              the comment by which somebody lets that memory pass
$STAGE clean              stop the devices of .demo/
$STAGE shops              shops/ as the tutorial compiles it: in Git, with a lock, three devices, ../release-key
$STAGE raise VERSION [OLD NEW]  in such a fleet: commit a version, with OLD replaced by NEW in its blueprint
$STAGE hosts NUMBER       in such a fleet: an inventory of so many hosts in place of the three devices
$STAGE stop               stop the devices of shops/
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from edgewright.cli.demo import (
    DEVICES,
    Workspace,
    allow,
    edit_blueprint,
    free_ports,
    prepare,
    stop_devices,
    write_fleet,
    write_yaml,
)
from edgewright.kernel.resources import share_folder
from edgewright.package.signing import find_signer

_SHOPS = {"harbour": "harbour", "hill": "hill", "mill": "hill"}
_BLUEPRINT = Path("blueprints/handbook-search.yaml")
_PLACE = Workspace(Path.cwd() / ".demo")


def checkout() -> None:
    """Blueprints as they ship."""
    shutil.copytree(share_folder() / "blueprints", "blueprints", ignore=shutil.ignore_patterns("dist", ".edgewright"))


def prepare_demo() -> None:
    """What `edgewright demo` begins with."""
    prepare(_PLACE)
    write_fleet(_PLACE, free_ports(len(DEVICES)))
    edit_blueprint(_PLACE, "1.0.0", {})


def edit(version: str, memory: str | None = None) -> None:
    """Another version of the store assistant."""
    edit_blueprint(_PLACE, version, {"memoryMax": memory} if memory else {})


def allow_memory() -> None:
    """Let too little memory pass."""
    allow(_PLACE, "service-memory-small", "memoryMax", "it worked on my machine")


def shops() -> None:
    """A fleet repository with local devices, a key and a lock, committed."""
    _run("edgewright", "init", "shops")
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "shops", "-f", "release-key")
    repository = Path("shops")
    (repository / "allowed_signers").write_bytes(find_signer(Path("release-key")).allowed_signers)
    devices = [
        {
            "name": name,
            "target": "counter-pc",
            "site": site,
            "root": str(Path.cwd() / "devices" / name),
            "servicePort": port,
            "supervisor": "process",
        }
        for (name, site), port in zip(_SHOPS.items(), free_ports(len(_SHOPS)), strict=True)
    ]
    _write_fleet(repository, {"devices": devices})
    path = repository / _BLUEPRINT
    text = path.read_text(encoding="utf-8").replace("[counter-pc, raspberry-pi-5-8g]", "[counter-pc]")
    text = text.replace("soak: 10m", "soak: 0s").replace(", 50%, 100%]", ", 100%]")
    path.write_text(text, encoding="utf-8")
    _run("edgewright", "lock", "shops")
    _run("git", "init", "--quiet", "--initial-branch", "main", folder=repository)
    _run("git", "add", ".", folder=repository)
    _run("git", "commit", "--quiet", "--message", "A fleet", folder=repository)


def raise_version(version: str, old: str = "", new: str = "") -> None:
    """Commit another version, with one other change where asked."""
    text = _BLUEPRINT.read_text(encoding="utf-8").replace(old, new)
    text = re.sub(r"^  version: .*$", f"  version: {version}", text, count=1, flags=re.MULTILINE)
    _BLUEPRINT.write_text(text, encoding="utf-8")
    _run("git", "commit", "--quiet", "--all", "--message", f"Release {version}")


def hosts(number: str) -> None:
    """An inventory in place of named devices, committed."""
    sites = sorted(set(_SHOPS.values()))
    names = {f"till-{index}": {"edgewright_site": sites[index % len(sites)]} for index in range(1, int(number) + 1)}
    Path("inventories").mkdir()
    write_yaml(Path("inventories/shops.yaml"), {"all": {"vars": {"edgewright_target": "counter-pc"}, "hosts": names}})
    _write_fleet(Path(), {"inventory": {"path": "inventories/shops.yaml"}})
    _run("git", "add", ".")
    _run("git", "commit", "--quiet", "--message", f"{number} tills")


def stop() -> None:
    """Stop the devices of shops/ through their own agents."""
    for root in Path("devices").resolve().glob("*"):
        for agent in sorted((root / "agent").glob("*.pyz"))[-1:]:
            _run(sys.executable, str(agent), "stop", "--root", str(root))


def _write_fleet(repository: Path, spec: dict[str, object]) -> None:
    document = {
        "apiVersion": "edgewright/v1beta1",
        "kind": "Fleet",
        "metadata": {"name": "shops"},
        "spec": spec,
    }
    write_yaml(repository / "fleets" / "shops.yaml", document)


def _run(*command: str, folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, check=True)


ACTIONS: Mapping[str, Callable[..., None]] = {
    "checkout": checkout,
    "prepare": prepare_demo,
    "edit": edit,
    "allow": allow_memory,
    "clean": lambda: stop_devices(_PLACE),
    "shops": shops,
    "raise": raise_version,
    "hosts": hosts,
    "stop": stop,
}

if __name__ == "__main__":
    if sys.argv[1] not in ACTIONS:
        sys.exit(f"no such action: {sys.argv[1]}")
    ACTIONS[sys.argv[1]](*sys.argv[2:])
