"""Releases that must not be rolled out, or cannot be made: refused, and the device never noticed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.bad_input.conftest import PYTHON, Shop
from tests.e2e.bad_input.shop import Repository, write_fleet
from tests.support.tiny_release import package_tiny

from edgewright.kernel.units import release_number


def test_nothing_is_compiled_without_a_signing_key(repository: Repository) -> None:
    for command in ("compile", "package"):
        ended = repository.refused(command, "signing-key-missing", "EDGEWRIGHT_SIGNING_KEY", exit_code=7)
        assert "ssh-keygen -t ed25519" in ended.stderr
    absent = str(repository.root / "no-such-key")
    repository.refused("compile", "signing-key-missing", absent, "--signing-key", absent, exit_code=7)
    assert not repository.cache.exists()


def test_a_tampered_blob_is_refused_before_any_device_is_reached(repository: Repository) -> None:
    blob = max((repository.dist / "release" / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(content)
    repository.refused("rollout", "blob-tampered", blob.name)


def test_a_statement_that_was_changed_is_refused(repository: Repository) -> None:
    statement = repository.dist / "evidence" / "statement.json"
    statement.write_text(statement.read_text().replace("1.0.0", "9.0.0"))
    repository.refused("rollout", "signature-invalid", "statement.json")


def test_a_release_without_the_class_of_a_device_is_refused_with_the_host_named(
    shop: Shop, repository: Repository
) -> None:
    folder, port = shop.device.root, shop.device.port
    write_fleet(repository.root, device=folder, port=port, python=PYTHON, target="raspberry-pi-5-8g")
    repository.refused("rollout", "release-for-other-target", "counter")


def test_an_expired_release_is_refused_before_any_device_is_reached(shop: Shop, repository: Repository) -> None:
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    repository.edit("version: 1.0.0", "version: 1.1.0")
    repository.edit("  rollout:\n", "  release: {expiresAfter: 24h}\n  rollout:\n")
    package_tiny(repository.root, "demo", shop.artifacts, shop.keys.key, created=created)
    ended = repository.refused("rollout", "release-expired", str(repository.dist / "evidence" / "statement.json"))
    assert "demo 1.1.0 expired" in ended.stderr


def test_an_older_release_is_refused_by_the_device_with_the_host_named(shop: Shop, repository: Repository) -> None:
    repository.edit("version: 1.0.0", "version: 0.9.0")
    package_tiny(repository.root, "demo", shop.artifacts, shop.keys.key)
    ended = repository.run("rollout")
    assert ended.exit_code == 5, ended
    assert "error: release-older  counter" in ended.stderr
    assert not (shop.device.root / "releases" / str(release_number("0.9.0"))).exists()
