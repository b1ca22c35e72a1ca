"""From green variants to a release and its Ansible project in `dist/`, and back out early when nothing changed.

Owns the stamp beside each `dist/<blueprint>`: the digest of all that a release or a rendered project was made from.
A release is packaged again only when its stamp differs, has expired, or its files are gone; so a compile with nothing
changed leaves the signed release as it is, with its time of creation.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.cli.chain import Evaluated, Session
from edgewright.evaluate.gates import GateResult
from edgewright.kernel.clock import now, rfc3339
from edgewright.kernel.diagnostics import asked_at
from edgewright.kernel.digest import Digest, digest_bytes, digest_file, digest_json
from edgewright.kernel.events import Event
from edgewright.kernel.files import iter_files, write_atomic
from edgewright.kernel.resources import cache_folder, package_folder, share_folder
from edgewright.load.documents import Loaded
from edgewright.load.git import head, is_dirty
from edgewright.package.signing import Signer
from edgewright.package.trust import trusted_signers
from edgewright.plan.plan import Plan, plan_digest
from edgewright.plugins.identity import environment_fingerprint
from edgewright.plugins.wheels import fetch_wheels
from edgewright.spec.v1beta1.blueprint import Blueprint

if TYPE_CHECKING:
    from edgewright.package.inputs import Variant


def commit_of(repository: Path) -> str | None:
    """The commit that a fleet repository equals; None outside Git, before the first commit, and with changes."""
    commit = head(repository)
    return commit.id if commit is not None and not is_dirty(repository) else None


@cache
def _tree_digest(folder: Path) -> Digest:
    return digest_json({name: digest_file(p) for name, p in iter_files(folder) if not name.endswith(".pyc")})


class Stamp:
    """What a blueprint's results in `dist/` were made from."""

    def __init__(self, session: Session, blueprint: Blueprint) -> None:
        self._dist = session.dist(blueprint)
        self._path = self._dist.parent / f".{blueprint.metadata.name}.stamp.json"

    def _read(self) -> dict[str, Any]:
        try:
            document = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def holds(self, part: str, key: Digest) -> bool:
        """Whether a part (`release` or `project`) was made from `key` and is still there, and has not expired."""
        document = self._read()
        if document.get(part) != key:
            return False
        if part == "project":
            return (self._dist / "ansible" / "ansible.cfg").is_file()
        statement = self._dist / "evidence" / "statement.json"
        is_whole = statement.is_file() and digest_file(statement) == document.get("statement")
        return is_whole and str(document.get("expires", "")) > rfc3339(now())

    def write(self, part: str, key: Digest, **more: str) -> None:
        """Record what a part was made from."""
        write_atomic(self._path, json.dumps({**self._read(), part: key, **more}, sort_keys=True).encode())


def _release_key(session: Session, loaded: Loaded[Blueprint], plan: Plan, signer: Signer, commit: str | None) -> Digest:
    return digest_json(
        {
            # which commit does not matter while the content is the same; that there is one does
            "is_committed": commit is not None,
            "plan": plan_digest(plan),
            "document": loaded.document.model_dump(mode="json", exclude={"spec": {"rollout"}}),
            "lock": session.repository.locks[loaded.document.metadata.name].digest,
            "device": _tree_digest(package_folder() / "device"),
            "edgewright": importlib.metadata.version("edgewright"),
            "signer": digest_bytes(signer.allowed_signers),
        }
    )


def package(
    session: Session,
    loaded: Loaded[Blueprint],
    plan: Plan,
    evaluated: Sequence[Evaluated],
    signer: Signer,
    commit: str | None,
) -> None:
    """Package the green variants of a blueprint, unless the release in `dist/` was made from the same.

    `commit` is what the release says it was made from.
    """
    blueprint = loaded.document
    stamp, key = Stamp(session, blueprint), _release_key(session, loaded, plan, signer, commit)
    subject = f"{blueprint.metadata.name} {blueprint.metadata.version}"
    if stamp.holds("release", key):
        session.events(Event("package", subject, "cached"))
        return
    # what only a new release needs is imported here: a compile with nothing changed must be quick
    from edgewright.package.inputs import ReleaseInputs
    from edgewright.package.release import package_release

    session.events(Event("package", subject, "start"))
    created = now()
    expires = created + timedelta(seconds=blueprint.spec.release.expires_after)
    with session.scratch() as scratch:
        inputs = ReleaseInputs(
            blueprint=blueprint,
            lock=session.repository.locks[blueprint.metadata.name].document,
            commit=commit,
            created=created,
            expires=expires,
            fleet=blueprint.spec.fleet.ref,
            variants=[_variant(session, plan, item, Path(scratch)) for item in evaluated],
            documents={loaded.path: loaded.digest},
            environments={name: environment_fingerprint(name) for name in ("onnx", "genai", "tvm")},
        )
        view = package_release(inputs, session.dist(blueprint), signer)
    stamp.write("release", key, expires=rfc3339(expires), statement=digest_file(view.statement))
    session.events(Event("package", subject, "done", f"release {view.number}"))


def _variant(session: Session, plan: Plan, item: Evaluated, scratch: Path) -> Variant:
    from edgewright.package.inputs import Variant

    variant = item.variant
    folder = scratch / variant.target_name
    session.materialise(plan, variant.artifact, folder)
    spans = session.repository.blueprints[plan.blueprint.metadata.name].spans
    with asked_at(spans.span(plan.action(variant.artifact).origin)):
        wheels = fetch_wheels(variant.wheels, cache_folder() / "downloads")
    return Variant(
        target_name=variant.target_name,
        target=variant.target.spec,
        backend=variant.backend,
        recipe=variant.recipe.name,
        artifact=folder,
        wheels=wheels,
        gates=[gate_json(gate) for gate in item.gates],
    )


def gate_json(gate: GateResult) -> dict[str, Any]:
    """A gate result as the evidence of a release has it; absent bounds are left out."""
    values = {
        "metric": gate.metric,
        "verdict": str(gate.verdict),
        "value": gate.value,
        "unit": gate.unit,
        "min": gate.min,
        "max": gate.max,
        "kind": "measured" if gate.value is not None else None,
        "where": "build",
        "note": gate.note,
    }
    return {name: value for name, value in values.items() if value is not None}


def _inventory_digest(root: Path, path: str) -> Digest:
    from edgewright.load.inventory.read import inventory_digest

    return inventory_digest(root, path)


def render_project(session: Session, loaded: Loaded[Blueprint]) -> None:
    """Render the Ansible project, unless the one in `dist/` was made from the same."""
    blueprint, fleet = loaded.document, session.repository.fleet_of(loaded)
    dist = session.dist(blueprint)
    stamp = Stamp(session, blueprint)
    signers = trusted_signers(session.root)
    inventory = fleet.document.spec.inventory
    key = digest_json(
        {
            "statement": digest_file(dist / "evidence" / "statement.json"),
            "document": loaded.digest,
            "signers": digest_bytes(signers),
            "fleet": fleet.digest,
            "inventory": _inventory_digest(session.root, inventory.path) if inventory else None,
            "collection": _tree_digest(share_folder() / "playbooks"),
            "render": _tree_digest(package_folder() / "render"),
        }
    )
    if stamp.holds("project", key):
        session.events(Event("render", blueprint.metadata.name, "cached"))
        return
    from edgewright.package.verify import verify_release
    from edgewright.render.project import render

    release = verify_release(dist, allowed_signers=signers, deep=False)
    devices = session.repository.devices_of(fleet.document.metadata.name).devices
    waves = render(blueprint, devices, release, signers, dist / "ansible")
    stamp.write("project", key)
    session.events(Event("render", blueprint.metadata.name, "done", f"{len(waves)} waves"))
