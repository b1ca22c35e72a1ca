"""The agent's command line: one command, one JSON object on stdout, one exit status.

Owns parsing, and the boundary that turns every failure into the documented JSON. Must not decide anything: `commands`
and the modules below it do.

    observe [--files] | need --incoming DIR [--repair] | stage --incoming DIR [--repair]
    activate --release N [--confirm-timeout S] | health
    confirm --release N | revert [--release N] [--overdue] | rollback [--release N] | lift --release N
    stop | gc [--drop-previous] | boot | supervise | serve

Exit: 0 done or nothing to do, 1 our bug, 2 wrong command line, 3 refused, 4 unhealthy, 7 something is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edgewright.device import commands
from edgewright.device.files import disk_full_refused
from edgewright.device.inspection import BUDGET_S
from edgewright.device.layout import LARGEST_RELEASE, open_root
from edgewright.device.options import LONGEST_CONFIRM_TIMEOUT_S
from edgewright.device.refusal import BUG, OK, Refusal

Command = Callable[[commands.Device, argparse.Namespace], commands.Report]

COMMANDS: dict[str, tuple[str, Command]] = {
    "observe": ("say what this device runs; changes nothing", commands.observe),
    "need": ("verify the documents of a release and list the blobs to push", commands.need),
    "stage": ("verify, take the pushed blobs, unpack; changes nothing that runs", commands.stage),
    "activate": ("switch to a staged release, to be confirmed in time", commands.activate),
    "health": ("run the self-test of the running service against the gates", commands.health),
    "confirm": ("make the active release the one to return to", commands.confirm),
    "revert": ("leave the unconfirmed release", commands.revert),
    "rollback": ("leave the confirmed release for the one before it", commands.rollback),
    "lift": ("take a release off this device's deny list", commands.lift),
    "stop": ("stop the service until the next activation; nothing is removed", commands.stop),
    "gc": ("delete what nothing needs any more", commands.gc),
    "boot": ("after a reboot: revert what is overdue, go on waiting for the rest", commands.boot),
    "supervise": ("run the service and the deadline where there is no systemd", commands.supervise),
    "serve": ("run the service in this process", commands.serve),
}


def _release(text: str) -> int:
    number = int(text)
    if not 0 < number <= LARGEST_RELEASE:
        raise argparse.ArgumentTypeError(f"{text} is not a release number")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= LONGEST_CONFIRM_TIMEOUT_S:
        raise argparse.ArgumentTypeError(f"{text} s is not between 0 and {LONGEST_CONFIRM_TIMEOUT_S} s")
    return seconds


def _path(text: str) -> str:
    """A path as the caller means it: from the folder in which the agent was started, which `main` leaves."""
    if not text or os.path.isabs(text):
        return text
    try:
        return os.path.join(os.getcwd(), text)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} is relative to a folder that is gone ({error.strerror})") from None


def _needed(name: str, command: argparse.ArgumentParser) -> None:
    """Arguments without which a command means nothing."""
    if name in ("need", "stage"):
        command.add_argument(
            "--incoming", type=_path, required=True, help="folder with statement.json, its signature, manifest.json"
        )
    if name in ("activate", "confirm", "lift"):
        command.add_argument("--release", type=_release, required=True)
    if name in ("revert", "rollback", "health"):
        command.add_argument("--release", type=_release)


def _optional(name: str, command: argparse.ArgumentParser) -> None:
    """Arguments with a default."""
    if name in ("revert", "rollback"):
        command.add_argument("--reason", default="", help="slug of the reason, recorded with the release")
        command.add_argument("--message", default="", help="one line about it")
        command.add_argument("--no-deny", action="store_true", help="do not quarantine the release on this device")
    if name in ("need", "stage"):
        command.add_argument(
            "--repair", action="store_true", help="compare what is installed, and replace what differs"
        )
    if name == "observe":
        command.add_argument("--files", action="store_true", help="compare every file of the release that runs")
        command.add_argument("--budget", type=_seconds, default=BUDGET_S, help="seconds that may take")
    if name == "revert":
        command.add_argument("--overdue", action="store_true", help="only if the time to confirm is over")
    if name == "activate":
        command.add_argument("--confirm-timeout", type=_seconds, help="seconds; device.json's when absent")
    if name == "health":
        command.add_argument("--wait", type=_seconds, default=90.0, help="seconds the service has to become ready")
    if name == "gc":
        command.add_argument("--drop-previous", action="store_true", help="also the release rollback would return to")
    if name == "serve":
        command.add_argument("--listen-fd", type=int)
        command.add_argument("--parent", type=int)
        command.add_argument("--release-folder", help=argparse.SUPPRESS)


def parser() -> argparse.ArgumentParser:
    """The command line; `--root` may stand before or after the command."""
    main_parser = argparse.ArgumentParser(prog="edgewright-agent", description="edgewright on the device")
    main_parser.add_argument("--root", type=_path, help="folder of the blueprint on this device")
    subparsers = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (summary, _) in COMMANDS.items():
        command = subparsers.add_parser(name, help=summary, description=summary)
        command.add_argument(
            "--root", type=_path, default=argparse.SUPPRESS, help="folder of the blueprint on this device"
        )
        command.add_argument("--lock-wait", type=_seconds, default=60.0, help="seconds to wait for another agent run")
        _needed(name, command)
        _optional(name, command)
    return main_parser


def _write(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, sort_keys=True) + "\n")
    sys.stdout.flush()


def run(arguments: argparse.Namespace) -> int:
    """Run one command and write its JSON; every failure becomes `error`."""
    device: commands.Device | None = None
    try:
        if not arguments.root:
            raise Refusal("root-missing", "no --root was given", hint="the folder of the blueprint on this device")
        device = commands.Device(open_root(arguments.root), arguments.lock_wait)
        with disk_full_refused(arguments.command):
            report = COMMANDS[arguments.command][1](device, arguments)
    except Refusal as refusal:
        _write({**commands.summary(device), "ok": False, "changed": False, "error": refusal.as_json()})
        return refusal.exit_code
    except Exception as crash:  # noqa: BLE001  the agent's boundary: stdout stays one JSON object, whatever happens
        traceback.print_exc()
        error = {"slug": "agent-bug", "message": f"{type(crash).__name__}: {str(crash)[:300]}", "hint": "see stderr"}
        _write({**commands.summary(device), "ok": False, "changed": False, "error": error})
        return BUG
    if report.silent:
        return OK
    error_json = None if report.error is None else report.error.as_json()
    _write(
        {
            **report.extra,
            **commands.summary(device),
            "ok": report.error is None,
            "changed": report.changed,
            "error": error_json,
        }
    )
    return OK if report.error is None else report.error.exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the zip file."""
    os.umask(0o022)  # releases are read by the service's own user
    arguments = parser().parse_args(argv)  # before the folder is left in which relative paths are meant
    os.chdir(Path("/"))
    return run(arguments)
