"""A forge on this machine: a bare repository, a developer's clone of it, pull requests as merge commits.

The clone is what `edgewright init` wrote, with a tiny model of its own in place of the example's, so that no test
fetches or builds anything large.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.e2e.pull_request.machine import BIN, environment
from tests.support.device_release import Signer
from tests.support.fleet_git import GitRepository
from tests.unit.sources_canonical.samples import bert_folder

BLUEPRINT, FLEET = "blueprints/handbook-search.yaml", "fleets/shops.yaml"
_PULL = "refs/pull/1/merge"


@dataclass
class Forge:
    """The bare repository and the clone; `variables` are added to what the developer's commands see."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    builds: bool = False

    @staticmethod
    def create(folder: Path) -> Forge:
        """An empty bare repository and a clone of it."""
        forge = Forge(folder)
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(forge.bare)], check=True)
        forge.clone.git("remote", "add", "origin", "../bare.git")
        return forge

    def __post_init__(self) -> None:
        self.clone = GitRepository(self.folder / "clone")

    @property
    def bare(self) -> Path:
        return self.folder / "bare.git"

    @property
    def root(self) -> Path:
        return self.clone.root

    def edgewright(self, *arguments: str, expect: int = 0) -> str:
        """Run edgewright in the clone, as the developer does; what it printed."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        done = subprocess.run(
            [str(BIN / "edgewright"), *arguments],
            cwd=self.root,
            env={**environment(home, builds=self.builds), **self.variables},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == expect, f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def edit(self, file: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Change a document of the clone."""
        path = self.root / file
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    @property
    def key(self) -> Path:
        """The private key that signs releases; it is not in the repository."""
        return self.folder / "signer" / "key"

    def trust_a_key(self) -> None:
        """Make the key and write its public half where the README says."""
        signer = Signer.create(self.folder / "signer")
        with (self.root / "allowed_signers").open("a", encoding="utf-8") as stream:
            stream.write(signer.allowed_signers.read_text(encoding="utf-8"))

    def take_tiny_model(self, backend: str, targets: Sequence[str]) -> None:
        """Replace the example's model by one of a few kilobytes in the repository."""
        bert_folder(self.root / "model")

        def change(document: dict[str, Any]) -> None:
            spec = document["spec"]
            spec["model"] = {"task": "embeddings", "source": {"type": "directory", "path": "model"}, "context": 64}
            spec["compression"] = {"policy": "float32"}
            spec["builds"] = [{"backend": backend, "targets": [target]} for target in targets]
            spec["gates"] = [{"metric": "cosine_mean", "min": 0.99}, {"metric": "tokenizer_parity", "min": 1}]

        self.edit(BLUEPRINT, change)

    def take_devices(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Replace the example's devices, and the pace of the roll-out by one for tests."""
        self.edit(FLEET, lambda document: document["spec"].update(devices=[dict(entry) for entry in entries]))
        pace = {"soak": "0s", "confirmTimeout": "60s"}
        self.edit(BLUEPRINT, lambda document: document["spec"]["rollout"].update(pace))

    def commit(self, message: str, files: Mapping[str, str | bytes] | None = None) -> str:
        """Commit everything in the clone."""
        return self.clone.commit(dict(files or {}), message)

    def push(self, branch: str) -> None:
        self.clone.git("push", "--quiet", "origin", f"refs/heads/{branch}:refs/heads/{branch}")

    def branch(self, name: str) -> None:
        """Begin a branch at main."""
        self.clone.git("checkout", "--quiet", "-b", name, "refs/heads/main")

    def open_pull(self, branch: str) -> str:
        """Push a branch and make the merge commit that a forge offers to its pipelines; that commit."""
        self.push(branch)
        self.clone.git("checkout", "--quiet", "--detach", "refs/heads/main")
        self.clone.git("merge", "--quiet", "--no-ff", "-m", "merge of a pull request", f"refs/heads/{branch}")
        merged = self.clone.git("rev-parse", "HEAD")
        self.clone.git("push", "--quiet", "--force", "origin", f"HEAD:{_PULL}")
        self.clone.git("checkout", "--quiet", branch)
        return merged

    def merge(self, branch: str) -> tuple[str, str]:
        """Merge a branch into main on the forge; main before and after."""
        before = self.clone.git("rev-parse", "refs/heads/main")
        self.clone.git("checkout", "--quiet", "main")
        self.clone.git("merge", "--quiet", "--no-ff", "-m", "merge", f"refs/heads/{branch}")
        self.push("main")
        return before, self.clone.git("rev-parse", "HEAD")

    def pull_event(self, branch: str) -> dict[str, Any]:
        """The event that a pull request of a branch gives to workflows."""
        head = {"ref": branch, "sha": self.clone.git("rev-parse", branch), "repo": {"full_name": "fleet/shops"}}
        return {"pull_request": {"number": 1, "head": head, "base": {"ref": "main"}}}
