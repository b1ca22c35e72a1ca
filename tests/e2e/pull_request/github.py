"""Runs the workflows that `edgewright init` writes, as GitHub would: its steps, shells, environment, conditions.

Owns what a hosted runner does around the commands: expressions, checkout of the merge commit, artifacts, outputs, which
job sees which secret. Every `run:` step is executed with the shell that GitHub would take. Actions are played by a few
lines of their own, each for what the workflows use of it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.e2e.pull_request.expressions import evaluate, interpolate
from tests.e2e.pull_request.machine import LONGEST_S, environment

SHELLS = {
    None: ["bash", "-e"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    "python": [sys.executable],
}
_STATUS = re.compile(r"\b(cancelled|always|failure)\(\)")


@dataclass
class Step:
    """What became of one step."""

    name: str
    outcome: str
    output: str = ""


@dataclass
class Job:
    """What became of a job: its steps, its outputs, what it uploaded for code scanning."""

    name: str
    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    sarif: list[Path] = field(default_factory=list)
    workspace: Path = Path()
    temp: Path = Path()
    home: Path = Path()

    @property
    def outcomes(self) -> dict[str, str]:
        """By the name of the step."""
        return {step.name: step.outcome for step in self.steps}

    @property
    def log(self) -> str:
        """What a person would read of the run."""
        return "\n".join(f"{step.outcome}: {step.name}\n{step.output}" for step in self.steps)

    @property
    def is_successful(self) -> bool:
        return all(step.outcome != "failure" for step in self.steps)

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


@dataclass
class GitHub:
    """The forge's side of a run: where the repository is, artifacts of this run, secrets by environment, variables."""

    folder: Path
    bare: Path
    event: Mapping[str, Any]
    ref: str
    sha: str
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    builds: bool = False
    controller: Path | None = None
    """Home of the runner that reaches the devices: it is the same machine for every job."""
    _artifacts: dict[str, Path] = field(default_factory=dict)
    _count: int = 0

    def run(self, workflow: Path, name: str, *, needs: Mapping[str, Job] | None = None) -> Job | None:
        """Run one job of a workflow; None when its condition says no."""
        document = yaml.safe_load(workflow.read_text(encoding="utf-8"))
        job = document["jobs"][name]
        self._count += 1
        work = self.folder / f"{self._count}-{name}"
        result = Job(name, workspace=work / "workspace", temp=work / "temp", home=work / "home")
        if "self-hosted" in job["runs-on"]:
            assert self.controller is not None
            result.home = self.controller
        for folder in (result.workspace, result.temp, result.home):
            folder.mkdir(parents=True, exist_ok=True)
        context = self._context(result, job, needs or {})
        if "if" in job and not evaluate(job["if"], context):
            return None
        for step in job["steps"]:
            self._step(step, result, context, work)
        result.outputs = {key: interpolate(value, context) for key, value in job.get("outputs", {}).items()}
        return result

    def _context(self, result: Job, job: Mapping[str, Any], needs: Mapping[str, Job]) -> dict[str, Any]:
        done = {
            name: {"outputs": other.outputs, "result": "success" if other.is_successful else "failure"}
            for name, other in needs.items()
        }
        return {
            "github": {"event": self.event, "repository": "fleet/shops", "token": "token", "ref": self.ref},
            "needs": done,
            "steps": {},
            "vars": self.variables,
            "secrets": self.secrets.get(str(job.get("environment", "")), {}),
            "runner": {"temp": str(result.temp)},
            "job": {"is_failed": False},
        }

    def _step(self, step: Mapping[str, Any], result: Job, context: dict[str, Any], work: Path) -> None:
        name = str(step.get("name") or step.get("uses", "run").split("@")[0])
        condition = str(step.get("if", "success()"))
        wanted = evaluate(condition, context)
        if not wanted or (context["job"]["is_failed"] and not _STATUS.search(condition)):
            result.steps.append(Step(name, "skipped"))
            return
        if "run" in step:
            done = self._execute(step, result, context, work)
            outcome = Step(name, "success" if done.returncode == 0 else "failure", done.stdout)
        else:
            given = {key: interpolate(value, context) for key, value in step.get("with", {}).items()}
            outcome = Step(name, "success" if self._action(step["uses"].split("@")[0], given, result) else "failure")
        context["job"]["is_failed"] |= outcome.outcome == "failure"
        result.steps.append(outcome)

    def _execute(
        self, step: Mapping[str, Any], result: Job, context: dict[str, Any], work: Path
    ) -> subprocess.CompletedProcess[str]:
        script = work / f"step-{len(result.steps)}"
        script.write_text(step["run"], encoding="utf-8")
        outputs, summary = work / f"output-{len(result.steps)}", work / "summary.md"
        outputs.touch()
        variables = {
            **environment(result.home, builds=self.builds),
            **self.variables,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_REPOSITORY": "fleet/shops",
            "GITHUB_RUN_ID": self.sha[:12],
            "GITHUB_SHA": self.sha,
            "GITHUB_REF": self.ref,
            "RUNNER_TEMP": str(result.temp),
            **{key: interpolate(value, context) for key, value in step.get("env", {}).items()},
        }
        done = subprocess.run(
            [*SHELLS[step.get("shell")], str(script)],
            cwd=result.workspace,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        if "id" in step:
            pairs = (line.split("=", 1) for line in outputs.read_text().splitlines())
            context["steps"][step["id"]] = {"outputs": dict(pairs)}
        return done

    def _action(self, name: str, given: Mapping[str, str], result: Job) -> bool:
        """What an action does, as far as the workflows use it."""
        if name == "actions/checkout":
            assert given["persist-credentials"] == "False"
            self._checkout(result.workspace, int(given.get("fetch-depth", "1")))
        elif name == "actions/upload-artifact":
            source = result.workspace / given["path"]
            if not source.is_dir():
                return given["if-no-files-found"] == "ignore"
            kept = self._artifacts[given["name"]] = self.folder / f"artifact-{given['name']}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(source, kept)
        elif name == "actions/download-artifact":
            if given["name"] not in self._artifacts:
                return False
            shutil.copytree(self._artifacts[given["name"]], result.workspace / given["path"], dirs_exist_ok=True)
        elif name == "github/codeql-action/upload-sarif":
            result.sarif.append(result.workspace / given["sarif_file"])
        else:
            assert name == "actions/setup-python", name
            assert given["python-version"] == "3.11"
        return True

    def _checkout(self, workspace: Path, depth: int) -> None:
        """The way of actions/checkout: fetch one ref, detach at it."""
        limit = [f"--depth={depth}"] if depth else []
        for arguments in (
            ["init", "--quiet", "."],
            ["fetch", "--quiet", "--no-tags", *limit, f"file://{self.bare}", f"+{self.ref}:refs/remotes/fetched"],
            ["checkout", "--quiet", "--force", "--detach", "refs/remotes/fetched"],
        ):
            subprocess.run(["git", *arguments], cwd=workspace, env=environment(workspace.parent / "home"), check=True)
