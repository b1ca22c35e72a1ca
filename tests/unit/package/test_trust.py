"""Who may sign for a fleet is the repository's decision, not the release's."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.package.signing import Signer
from edgewright.package.trust import require_trusted, trusted_signers


def test_a_repository_without_signers_trusts_nobody(tmp_path: Path, signer: Signer) -> None:
    with pytest.raises(EdgewrightError, match="nobody is trusted") as refused:
        require_trusted(tmp_path, signer)
    assert refused.value.exit_code is ExitCode.MISSING
    assert signer.public_key in str(refused.value.diagnostics[0].hint)


def test_a_key_that_the_repository_lists_is_trusted(tmp_path: Path, signer: Signer) -> None:
    (tmp_path / "allowed_signers").write_bytes(signer.allowed_signers)
    require_trusted(tmp_path, signer)
    assert trusted_signers(tmp_path) == signer.allowed_signers


def test_another_key_is_refused_before_anything_is_built(tmp_path: Path, signer: Signer) -> None:
    (tmp_path / "allowed_signers").write_text('edgewright namespaces="edgewright-release" ssh-ed25519 AAAAother\n')
    with pytest.raises(EdgewrightError, match="is not among the signers") as refused:
        require_trusted(tmp_path, signer)
    assert refused.value.exit_code is ExitCode.MISSING


def test_a_link_is_not_followed(tmp_path: Path, signer: Signer) -> None:
    (tmp_path / "elsewhere").write_bytes(signer.allowed_signers)
    (tmp_path / "allowed_signers").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EdgewrightError, match="does not exist"):
        trusted_signers(tmp_path)
