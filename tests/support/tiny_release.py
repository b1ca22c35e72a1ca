"""Signed releases of tiny models, made by the real packaging: documents on disk in, `dist/<blueprint>` out.

For tests of everything after the build: the artifacts are given, nothing is compiled by a backend or measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edgewright.load.documents import load_repository
from edgewright.package.inputs import ReleaseInputs, Variant
from edgewright.package.release import package_release
from edgewright.package.signing import find_signer
from edgewright.package.view import ReleaseView
from edgewright.spec.v1beta1.lock import Lock


def package_tiny(
    repository: Path,
    blueprint: str,
    artifacts: Mapping[str, Path],
    key: Path,
    *,
    created: datetime | None = None,
    commit: str | None = None,
) -> ReleaseView:
    """Package the version that the blueprint on disk names. `artifacts` are artifact folders by target name."""
    loaded = load_repository(repository)
    document = loaded.blueprints[blueprint].document
    created = created or datetime.now(UTC).replace(microsecond=0)
    passed = [
        {"metric": gate.metric, "verdict": "pass", "value": 1.0, "min": gate.min, "max": gate.max, "where": gate.where}
        for gate in document.spec.gates
    ]
    inputs = ReleaseInputs(
        blueprint=document,
        lock=_empty_lock(blueprint),
        commit=commit,
        created=created,
        expires=created + timedelta(seconds=document.spec.release.expires_after),
        fleet=document.spec.fleet.ref,
        variants=[
            Variant(target, loaded.targets[target].document.spec, "tvm", "float32", artifact, {}, passed)
            for target, artifact in artifacts.items()
        ],
    )
    signer = find_signer(key)
    (repository / "allowed_signers").write_bytes(signer.allowed_signers)
    return package_release(inputs, repository / "dist" / blueprint, signer)


def _empty_lock(blueprint: str) -> Lock:
    return Lock.model_validate(
        {
            "apiVersion": "edgewright/v1beta1",
            "kind": "Lock",
            "metadata": {"name": blueprint},
            "spec": {"blueprint": blueprint, "entries": ()},
        }
    )
