"""A shipped example as a real Git repository, with a cache of its own; `Fleet` edits it and plans the change."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.fleet_git import GitRepository

from edgewright.cli.main import run
from edgewright.kernel.resources import share_folder

EXAMPLE = share_folder() / "blueprints" / "examples" / "semantic-search"
LOCK = "semantic-search.lock.yaml"
Edit = Callable[[dict[str, Any]], object]


@dataclass
class Ended:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def slugs(self) -> list[str]:
        lines = self.stderr.splitlines()
        return [line.split(":", 1)[1].split()[0] for line in lines if line.startswith("error: ")]


@dataclass
class Fleet:
    """The repository: `main` holds the example, edits go to the working tree."""

    git: GitRepository
    root: Path
    capsys: pytest.CaptureFixture[str]

    def edit(self, name: str, change: Edit) -> None:
        """Change a document as values."""
        path = self.root / name
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def blueprint(self, change: Edit) -> None:
        self.edit("blueprint.yaml", change)

    def run(self, *arguments: str) -> Ended:
        """Run edgewright in this process."""
        self.capsys.readouterr()
        exit_code = run(arguments)
        said = self.capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        assert "error: bug" not in said.err, said.err
        return Ended(exit_code, said.out, said.err)

    def plan(self, *arguments: str, base: str = "main") -> dict[str, Any]:
        """The change as JSON."""
        ended = self.run("plan", str(self.root), f"--base={base}", "--output=json", *arguments)
        assert ended.exit_code == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def change(self, *arguments: str, base: str = "main") -> dict[str, Any]:
        """The change of the one blueprint that changes."""
        [found] = self.plan(*arguments, base=base)["blueprints"]
        return dict(found)

    def cohorts(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """The cohorts that change, by target."""
        return {cohort["target"]: cohort for cohort in self.change(*arguments)["cohorts"]}

    def classes(self) -> dict[str, list[str]]:
        """Classes of the change by target."""
        return {target: cohort["classes"] for target, cohort in self.cohorts().items()}


@pytest.fixture
def fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """The example, committed on `main`."""
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    root = tmp_path / "fleet"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("dist", ".edgewright"))
    git = GitRepository(root)
    git.commit(message="The example")
    return Fleet(git, root, capsys)
