"""What an exit code means, in words with an example: the reference page is made from this table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edgewright.kernel.diagnostics import ExitCode

MEANINGS: Final[Mapping[ExitCode, tuple[str, str]]] = MappingProxyType(
    {
        ExitCode.OK: ("done, or nothing to do", "everything was in the store; every device runs the release"),
        ExitCode.BUG: (
            "a bug in edgewright",
            "a short message and the path of a crash file; `edgewright --debug …` shows the traceback",
        ),
        ExitCode.USAGE: ("wrong command line", "unknown command, option, blueprint, revision or selector"),
        ExitCode.DOCUMENTS: (
            "documents are wrong, or what they name is",
            "unknown key, wrong type, unknown target, stale lock, refused model file, tampered release",
        ),
        ExitCode.GATE: ("a gate is red", "a metric missed its bound, or was not measured"),
        ExitCode.ROLLOUT: ("a roll-out was paused or rolled back", "the canary failed its health check"),
        ExitCode.CHANGES: ("changes or drift exist", "only with `--exit-code`, `migrate --check`"),
        ExitCode.MISSING: ("something required is missing", "a tool, a key, an environment, a host, disk space"),
        ExitCode.INTERRUPTED: ("interrupted", "Ctrl-C"),
        ExitCode.READER_GONE: ("whoever reads the output has gone", "`edgewright plan | head -1`"),
    }
)
