"""Real Git repositories for tests: made in a folder of the test, with an identity and settings of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "fleet",
    "GIT_AUTHOR_EMAIL": "fleet@example.com",
    "GIT_COMMITTER_NAME": "fleet",
    "GIT_COMMITTER_EMAIL": "fleet@example.com",
    "GIT_AUTHOR_DATE": "2026-03-01T10:00:00Z",
    "GIT_COMMITTER_DATE": "2026-03-01T10:00:00Z",
    "LC_ALL": "C.UTF-8",
}


class GitRepository:
    """A repository with a branch `main`; paths are relative to its top."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    def git(self, *arguments: str | bytes, stdin: bytes | None = None) -> str:
        """Run git here; it must succeed. Returns what it printed."""
        finished = subprocess.run(
            ["git", *arguments], cwd=self.root, env=_ENVIRONMENT, input=stdin, capture_output=True, check=False
        )
        assert finished.returncode == 0, finished.stderr.decode(errors="replace")
        return finished.stdout.decode(errors="replace").strip()

    def write(self, files: dict[str, str | bytes]) -> None:
        """Write files without committing them."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: dict[str, str | bytes] | None = None, message: str = "change", *options: str) -> str:
        """Write files, commit everything that is not ignored, and return the commit's id."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", *options, "--message", message)
        return self.git("rev-parse", "HEAD")

    def commit_tree(self, entries: list[tuple[str, str, bytes]]) -> str:
        """Commit a tree of (mode, object id, name) that no working tree has to be able to hold."""
        lines = b"".join(
            f"{mode} {_KINDS.get(mode, 'blob')} {object_id}\t".encode() + name + b"\0"
            for mode, object_id, name in entries
        )
        tree = self.git("mktree", "-z", "--missing", stdin=lines)
        return self.git("commit-tree", tree, "-m", "made by hand")

    def blob(self, data: bytes) -> str:
        """Write a blob and return its id."""
        return self.git("hash-object", "-w", "--stdin", stdin=data)


_KINDS = {"160000": "commit", "040000": "tree"}
