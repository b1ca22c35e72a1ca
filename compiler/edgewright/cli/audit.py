"""`edgewright audit`: what ran on which device when, who merged it, which gates passed; one JSON line a period."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from edgewright.cli.arguments import blueprint_option, environment_option, repository_argument
from edgewright.cli.fleets import ledger_option, ledger_path


def moment(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Click callback for `2026-11-23T12:00Z`, `2026-11-23T13:00+01:00` and `2026-11-23`; without a zone it is UTC."""
    from datetime import UTC, datetime

    from edgewright.kernel.clock import rfc3339

    del context
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return rfc3339(parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value[:40]!r} is not a time such as 2026-11-23T12:00Z", param=parameter) from None


@click.command("audit")
@repository_argument
@blueprint_option
@environment_option
@click.option("--device", metavar="NAME", help="Only this device.")
@click.option("--at", "at_moment", callback=moment, metavar="TIME", help="Only what ran at this time (UTC).")
@ledger_option
@click.option("--output", "-o", type=click.Choice(["jsonl", "text"]), default="jsonl", show_default=True)
def command(
    repository: Path,
    blueprints: tuple[str, ...],
    environment: str | None,
    device: str | None,
    at_moment: str | None,
    ledger: Path | None,
    output: str,
) -> None:
    """Tell what ran where, from when to when, who signed and merged it, and which gates passed.

    Reads the ledger and the evidence archived beside it, and verifies both: hash chain, digests, signatures.
    """
    import json

    from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
    from edgewright.observe import audit as trail
    from edgewright.rollout.ledger import Ledger

    root = repository.resolve()
    path = Path(os.path.realpath(ledger_path(root, ledger, environment)))
    if path.is_file() and path.stat().st_size:  # an empty file is none, and stays so
        Ledger(path).close()  # a ledger from before the hash chain gets one
    found = trail.audit(path, root, blueprints=blueprints, device=device)
    records: Sequence[Mapping[str, Any]] = found.records
    if at_moment is not None:
        records = trail.at(records, at_moment)
    if device is not None and not records:
        records = [trail.nothing_known(device, at_moment or "any time")]
    if output == "jsonl":
        for record in records:
            click.echo(json.dumps(record, sort_keys=True))
    else:
        _print(records)
        click.echo(f"ledger head {found.head}", err=True)
    if found.problems:
        is_unverified = any(problem.slug == "missing-tool" for problem in found.problems)
        raise EdgewrightError(*found.problems, exit_code=ExitCode.MISSING if is_unverified else ExitCode.DOCUMENTS)


def _print(records: Sequence[Mapping[str, Any]]) -> None:
    from edgewright.cli.output.tables import print_table

    rows = [_row(record) for record in records]
    print_table(["device", "from", "to", "release", "outcome", "ended", "signed by", "commit", "merged by"], rows)


def _row(record: Mapping[str, Any]) -> list[str]:
    if record["record"] == "nothing-known":
        return [record["device"], record["at"], "", "", "nothing known", "", "", "", ""]
    commit, statement, reason = record["commit"] or {}, record["statement"] or {}, record["reason"] or {}
    person = commit.get("merged_by") or commit.get("committer") or {}
    ended = ": ".join(filter(None, (record["ended"], reason.get("message"))))
    signed = statement.get("signed_by") or ("not verified" if statement else "unknown")
    return [
        record["device"],
        record["from"],
        record["to"] or "now",
        f"{record['blueprint']} {record['version']}",
        record["outcome"],
        ended,
        signed,
        str(commit.get("id") or "")[:12],
        str(person.get("who") or ""),
    ]
