"""The git command: where a fleet repository lies in a Git repository, and how git is run over it.

The environment is made here, not inherited, and options of the command line outrank whatever the repository's own
configuration says. `safe.directory` is set for this one repository: CI often checks out as another user, and with
nothing of the repository being run, its owner does not matter.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode, fail
from edgewright.kernel.process import Finished, find_tool, run

TIMEOUT_S = 120.0
STREAM_TIMEOUT_S = 1800.0
_OVERRULED = (
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=/bin/false",
    "gpg.openpgp.program=/bin/false",
    "gpg.program=/bin/false",
    "gpg.x509.program=/bin/false",
    "log.showSignature=false",
    "protocol.allow=never",
)
"""Settings that outrank the repository's own: programs that it could name are not run."""


@dataclass(frozen=True, slots=True)
class GitFolder:
    """A fleet repository inside a Git repository: `prefix` is its folder there, empty when it is the whole."""

    root: Path
    toplevel: Path
    prefix: str

    def path(self, relative: str) -> str:
        """A path of the fleet repository as the Git repository names it."""
        return f"{self.prefix}/{relative}" if self.prefix else relative


def find_git(root: Path) -> GitFolder | None:
    """The Git repository that tracks a fleet repository; None outside Git.

    A folder that the repository around it ignores, and holds no file of, is outside Git. A repository that git cannot
    read is `git-failed`: what is in it must not pass for files outside Git.
    """
    start = root.resolve()
    toplevel = next((folder for folder in (start, *start.parents) if os.path.lexists(folder / ".git")), None)
    if toplevel is None:
        return None
    relative = start.relative_to(toplevel)
    folder = GitFolder(start, toplevel, "" if relative == Path() else relative.as_posix())
    found = git(folder, "rev-parse", "--git-dir")
    if found.returncode != 0:
        raise git_failed(folder, "read the repository", found)
    return None if folder.prefix and _is_ignored(folder) else folder


def _is_ignored(folder: GitFolder) -> bool:
    tracked = git(folder, "ls-files", "-z", "--", f"{folder.prefix}/")
    if tracked.stdout or git(folder, "cat-file", "-e", f"HEAD:{folder.prefix}").returncode == 0:
        return False
    # check-ignore takes no literal paths; behind ./ nothing is magic
    argv = _argv(folder, ("check-ignore", "--quiet", "--", f"./{folder.prefix}/"))
    environment = {**_environment(), "GIT_LITERAL_PATHSPECS": "0"}
    return run(argv, timeout_s=TIMEOUT_S, cwd=folder.toplevel, env=environment).returncode == 0


def require_git(root: Path) -> GitFolder:
    """Like `find_git`; outside Git a `not-a-git-repository` diagnostic."""
    found = find_git(root)
    if found is None:
        raise fail(
            "not-a-git-repository",
            f"{root} is in no Git repository, or in a folder that one ignores",
            exit_code=ExitCode.USAGE,
            subject=str(root),
            hint="run git init and commit, or leave --revision and --base out",
        )
    return found


def git(folder: GitFolder, *arguments: str) -> Finished:
    """Run git at the top of the repository and wait. For output that is known to be small."""
    return run(_argv(folder, arguments), timeout_s=TIMEOUT_S, cwd=folder.toplevel, env=_environment())


@dataclass(frozen=True, slots=True)
class GitStream:
    """A running git: `requests` is its standard input, `answers` its standard output."""

    folder: GitFolder
    requests: IO[bytes]
    answers: IO[bytes]
    process: subprocess.Popen[bytes]

    def finish(self, doing: str) -> None:
        """Wait for a git whose answer was read to its end, and raise when it failed: the answer was cut short then."""
        with suppress(OSError):
            self.requests.close()
        if self.process.wait() != 0:
            raise git_failed(self.folder, doing)


@contextmanager
def git_stream(folder: GitFolder, *arguments: str) -> Iterator[GitStream]:
    """Run git with its standard input and output as streams; it is ended with the block."""
    process = subprocess.Popen(
        _argv(folder, arguments),
        cwd=folder.toplevel,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    watchdog = threading.Timer(STREAM_TIMEOUT_S, process.kill)
    watchdog.daemon = True
    watchdog.start()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield GitStream(folder, process.stdin, process.stdout, process)
    finally:
        watchdog.cancel()
        process.kill()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                stream.close()
        process.wait()


def git_failed(folder: GitFolder, doing: str, finished: Finished | None = None) -> EdgewrightError:
    """The exception for a git that could not read what is there: a corrupt or partial repository."""
    said = finished.stderr.decode(errors="replace").strip().splitlines() if finished else []
    return fail(
        "git-failed",
        f"git could not {doing} in {folder.toplevel}",
        exit_code=ExitCode.MISSING,
        subject=str(folder.toplevel),
        notes=tuple(line[:200] for line in said[-3:]),
        hint="run git fsck; objects that a shallow or partial clone lacks are not fetched here",
    )


def _argv(folder: GitFolder, arguments: tuple[str, ...]) -> list[str]:
    tool = find_tool("git", needed_for="read revisions of the fleet repository")
    settings = (f"safe.directory={folder.toplevel}", *_OVERRULED)
    return [tool, "--no-pager", *(word for setting in settings for word in ("-c", setting)), *arguments]


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "none",  # outranks protocol.<name>.allow of the repository's configuration
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
