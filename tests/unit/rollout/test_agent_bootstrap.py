"""The line that starts an agent on a host: an agent with other content than its name says is never run."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = (
    Path(__file__).parents[3] / "playbooks/collections/ansible_collections/edgewright/fleet/plugins/action/agent.py"
)
MAIN, OTHER = "print('main')", "print('of the release')"


def constant(name: str) -> str:
    """A constant of the action plugin, which can only be imported where Ansible is."""
    for node in ast.parse(PLUGIN.read_text()).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{name} is not in {PLUGIN}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "other.py").write_text(OTHER)
    return tmp_path


def start(folder: Path) -> tuple[int, str]:
    digest = hashlib.sha256(MAIN.encode()).hexdigest()
    told = [digest, str(folder / "other.py"), [sys.executable, "-I", str(folder / "main.py"), "--root", "$(reboot)"]]
    line = constant("BOOTSTRAP_CHECKED")
    assert "'" not in line, "it stands between single quotes in a shell line"
    command = f"{sys.executable} -IS -c '{line}'"
    done = subprocess.run(["sh", "-c", command], input=json.dumps(told), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


def test_the_agent_that_is_what_its_name_says_is_run(folder: Path) -> None:
    assert start(folder) == (0, "main")


def test_a_changed_agent_is_passed_over_for_the_one_of_the_release(folder: Path) -> None:
    (folder / "main.py").write_text("print('forged')")
    assert start(folder) == (0, "of the release")


def test_a_missing_agent_is_passed_over_too(folder: Path) -> None:
    (folder / "main.py").unlink()
    assert start(folder) == (0, "of the release")


def test_without_any_agent_the_status_tells_a_changed_one_from_none(folder: Path) -> None:
    (folder / "other.py").unlink()
    (folder / "main.py").write_text("print('forged')")
    assert start(folder) == (44, "")
    (folder / "main.py").unlink()
    assert start(folder) == (2, "")
