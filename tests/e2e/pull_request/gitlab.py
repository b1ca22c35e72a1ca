"""Runs jobs of `ci/gitlab.yml` as a runner of GitLab would: inputs filled in, one shell, artifacts kept."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.e2e.pull_request.machine import LONGEST_S, environment

_INPUT = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")
_VARIABLE = re.compile(r"\$(\w+)")


@dataclass
class Ran:
    """What became of a job."""

    exit_code: int
    output: str
    workspace: Path
    artifacts: Path


@dataclass
class GitLab:
    """The forge's side: the repository, what it says of this pipeline, secrets by environment."""

    folder: Path
    bare: Path
    variables: Mapping[str, str]
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    builds: bool = False

    def run(self, name: str, ref: str, *, needs: Ran | None = None, **extra: str) -> Ran:
        """Run a job at a ref, in a fresh clone; `needs` gives its artifacts, `extra` what a person sets by hand."""
        work = (
            self.folder / f"{name}-{len(list(self.folder.glob('*')))}" if self.folder.exists() else self.folder / name
        )
        workspace, home = work / "builds", work / "home"
        home.mkdir(parents=True)
        self._clone(workspace, ref, home)
        if needs is not None:
            shutil.copytree(needs.artifacts, workspace, dirs_exist_ok=True)
        job = read_job(workspace, name, self.inputs)
        known = {**self.variables, "CI": "true", "GITLAB_CI": "true", "CI_PROJECT_ID": "7"}
        own = {key: _expand(str(value), known) for key, value in job.get("variables", {}).items()}
        secrets = self.secrets.get(job.get("environment", {}).get("name", ""), {})
        lines = "\n".join([*job.get("before_script", ()), *job["script"]])
        done = subprocess.run(
            ["bash", "-c", f"set -eo pipefail\n{lines}"],
            cwd=workspace,
            env={**environment(home, builds=self.builds), **known, **own, **secrets, **extra},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        kept = work / "artifacts"
        kept.mkdir()
        when = job.get("artifacts", {}).get("when", "on_success")
        if done.returncode == 0 or when == "always":
            _keep(job.get("artifacts", {}), {**known, **own}, workspace, kept)
        return Ran(done.returncode, done.stdout, workspace, kept)

    def _clone(self, workspace: Path, ref: str, home: Path) -> None:
        workspace.mkdir()
        for arguments in (
            ["init", "--quiet", "."],
            ["fetch", "--quiet", f"file://{self.bare}", f"+{ref}:refs/pipelines/1"],
            ["checkout", "--quiet", "--force", "--detach", "refs/pipelines/1"],
        ):
            subprocess.run(["git", *arguments], cwd=workspace, env=environment(home), check=True)


def read_job(repository: Path, name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """A job of the pipeline that `.gitlab-ci.yml` includes, with its inputs and what it extends."""
    [include] = yaml.safe_load((repository / ".gitlab-ci.yml").read_text(encoding="utf-8"))["include"]
    text = (repository / include["local"]).read_text(encoding="utf-8")
    header, body = text.split("\n---\n")
    declared = yaml.safe_load(header)["spec"]["inputs"]
    values = {key: str(declared[key]["default"]) for key in declared} | include["inputs"] | dict(given)
    for key, value in values.items():
        assert re.fullmatch(declared[key].get("regex", ".*").strip("^$"), value), f"{key}: {value!r}"
    pipeline = yaml.safe_load(_INPUT.sub(lambda place: values[place[1]], body))
    job: dict[str, Any] = pipeline[name]
    base = pipeline[job["extends"]]
    return {**base, **job, "variables": {**base.get("variables", {}), **job.get("variables", {})}}


def _expand(value: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda place: known.get(place[1], ""), value)


def _keep(artifacts: Mapping[str, Any], known: Mapping[str, str], workspace: Path, kept: Path) -> None:
    for path in (*artifacts.get("paths", ()), *artifacts.get("reports", {}).values()):
        name = _expand(path, known)
        source = workspace / name
        if source.is_dir():
            shutil.copytree(source, kept / name)
        elif source.is_file():
            shutil.copyfile(source, kept / name)
