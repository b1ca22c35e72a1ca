"""The action of this repository: its steps, with inputs that mean harm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from tests.e2e.pull_request.expressions import interpolate
from tests.e2e.pull_request.forge import BLUEPRINT, Forge
from tests.e2e.pull_request.machine import BIN, environment

ROOT = Path(__file__).parents[3]


def act(step: str, workspace: Path, temp: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run one step of the action with some inputs; the others have their defaults."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    given = {name: str(declared["default"]) for name, declared in action["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    context = {"inputs": given, "github": {"action_path": str(ROOT)}, "job": {"is_failed": False}}
    [chosen] = [s for s in action["runs"]["steps"] if s.get("name") == step]
    assert chosen["shell"] == "bash"
    home = temp / "home"
    home.mkdir(parents=True, exist_ok=True)
    variables = {
        **environment(home),
        "RUNNER_TEMP": str(temp),
        **{name: interpolate(value, context) for name, value in chosen["env"].items()},
    }
    script = temp / "step.sh"
    script.write_text(chosen["run"], encoding="utf-8")
    argv = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    return subprocess.run(
        argv, cwd=workspace, env=variables, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip


@pytest.fixture
def temp(tmp_path: Path) -> Path:
    """The runner's folder, where the first step has installed this edgewright."""
    (tmp_path / "temp" / "edgewright" / "bin").mkdir(parents=True)
    (tmp_path / "temp" / "edgewright" / "bin" / "edgewright").symlink_to(BIN / "edgewright")
    return tmp_path / "temp"


def test_arguments_arrive_one_a_line_as_they_stand(forge: Forge, temp: Path) -> None:
    done = act("run", forge.root, temp, arguments="--output\ngithub\n\n--report\nsarif=a b;$(touch PWNED).sarif\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (forge.root / "a b;$(touch PWNED).sarif").is_file()
    assert not (forge.root / "PWNED").exists()


def test_a_mistake_fails_the_action_with_the_code_of_documents(forge: Forge, temp: Path) -> None:
    path = forge.root / BLUEPRINT
    path.write_text(path.read_text().replace("fleet:", "flet:"))
    done = act("run", forge.root.parent, temp, folder=forge.root.name)
    assert done.returncode == 3
    assert "did you mean" in done.stderr


@pytest.mark.parametrize("command", ["--debug", "check; touch PWNED", "$(touch PWNED)", "", "check\ncheck", "../x"])
def test_only_the_name_of_a_command_is_one(forge: Forge, temp: Path, command: str) -> None:
    done = act("run", forge.root, temp, command=command)
    assert done.returncode == 2
    assert "not the name of a command" in done.stdout
    assert not (forge.root / "PWNED").exists()


@pytest.mark.parametrize("version", ["--index-url=x", "1.0; touch PWNED", "$(id)", "1.0 other", "@ file:///x", "1\n2"])
def test_only_a_version_is_one(forge: Forge, temp: Path, version: str) -> None:
    done = act("install", forge.root, temp, version=version)
    assert done.returncode == 2
    assert "not a version" in done.stdout


@pytest.mark.parametrize("folder", ["-P", "$(touch PWNED)", "absent"])
def test_a_folder_is_only_a_folder(forge: Forge, temp: Path, folder: str) -> None:
    done = act("run", forge.root, temp, folder=folder)
    assert done.returncode != 0
    assert "No such file or directory" in done.stderr
    assert not (forge.root / "PWNED").exists()
