"""Evidence of a roll-out: its signed statement and what that binds, read from the archive and verified again.

Owns the verification at the time of an audit. Must not read `dist/`, which may hold another release by now. Invariants:
nothing of a document is used before its digest and the signature over the statement were checked; a document that is
gone or changed is a diagnostic beside the record, never a gap that nobody sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, EdgewrightError, fail
from edgewright.kernel.digest import Digest, digest_bytes
from edgewright.load.git.commits import OBJECT_ID
from edgewright.observe.record import RecordedStart
from edgewright.package.archive import EvidenceArchive
from edgewright.package.signing import verify_signature
from edgewright.package.statement import read_statement
from edgewright.package.strict_json import parse_object

_MOST_GATES = 200
_RESTORE = "restore the ledger and the folder evidence beside it from a backup, and find out who changed them"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What vouches for a release. `problems` say why a part of it cannot be trusted; that part is missing then."""

    statement: Digest | None
    signed_by: str | None = None
    created: str | None = None
    expires: str | None = None
    commit: str | None = None
    gates: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None
    on_device: tuple[str, ...] = ()
    documents: Mapping[str, Digest] | None = None
    problems: tuple[Diagnostic, ...] = ()


def read_evidence(archive: EvidenceArchive, rollout: RecordedStart) -> Evidence:
    """The verified evidence of a roll-out; one from before the archive has none, and says so."""
    names = rollout.evidence
    if not names:
        return Evidence(None)
    try:
        statement = archive.read(names["statement"])
        principal = verify_signature(statement, archive.read(names["signature"]), archive.read(names["signers"]))
        predicate = read_statement(statement).predicate
        if (predicate.blueprint, predicate.release) != (rollout.blueprint, rollout.release):
            raise fail(
                "evidence-tampered",
                f"the statement of roll-out {rollout.id} is of {predicate.blueprint} {predicate.version}",
                subject=names["statement"],
                hint=_RESTORE,
            )
        results = _bound(archive, names["test_results"], predicate.evidence.test_results)
        provenance = _bound(archive, names["provenance"], predicate.evidence.provenance)
    except EdgewrightError as error:
        return Evidence(names.get("statement"), documents=names, problems=error.diagnostics)
    except KeyError as error:
        problem = Diagnostic("evidence-missing", f"roll-out {rollout.id} has no {error} in the ledger", hint=_RESTORE)
        return Evidence(names.get("statement"), documents=names, problems=(problem,))
    return Evidence(
        statement=names["statement"],
        signed_by=principal,
        created=predicate.created,
        expires=predicate.expires,
        commit=_commit(provenance),
        gates=_gates(results),
        on_device=_on_device(results),
        documents=names,
    )


def _bound(archive: EvidenceArchive, kept: Digest, promised: Digest) -> dict[str, Any]:
    data = archive.read(kept)
    if digest_bytes(data) != promised:
        message = f"{kept} is not the document that the statement binds"
        raise fail("evidence-tampered", message, subject=kept, hint=_RESTORE)
    return parse_object(data, kept, "evidence-tampered")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _commit(provenance: Mapping[str, Any]) -> str | None:
    """The commit of the fleet repository that the release was compiled from; None when its tree had changes."""
    definition = _mapping(_mapping(provenance.get("predicate")).get("buildDefinition"))
    for entry in definition.get("resolvedDependencies") or ():
        commit = _mapping(_mapping(entry).get("digest")).get("gitCommit")
        if isinstance(commit, str) and OBJECT_ID.fullmatch(commit):
            return commit
    return None


def _gates(results: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], ...]]:
    measured = _mapping(_mapping(results.get("predicate")).get("measurements"))
    return {
        str(target): tuple(_mapping(gate) for gate in list(gates)[:_MOST_GATES])
        for target, gates in measured.items()
        if isinstance(gates, list)
    }


def _on_device(results: Mapping[str, Any]) -> tuple[str, ...]:
    """`target/metric` of every gate that devices check themselves."""
    names = _mapping(results.get("predicate")).get("onDevice")
    return tuple(str(name) for name in names[:_MOST_GATES]) if isinstance(names, list) else ()
