import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.package.parts import make_key

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.package.signing import KEY_VARIABLE, Signer, find_signer, verify_signature


def refused(error: pytest.ExceptionInfo[EdgewrightError]) -> tuple[str, ExitCode]:
    return error.value.diagnostics[0].slug, error.value.exit_code


@pytest.fixture(autouse=True)
def no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real ssh-agent, ended by its process id."""
    socket = tmp_path / "agent.sock"
    started = subprocess.run(["ssh-agent", "-s", "-a", str(socket)], check=True, capture_output=True, text=True)
    found = re.search(r"SSH_AGENT_PID=(\d+)", started.stdout)
    assert found is not None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield
    os.kill(int(found[1]), 15)


def test_ed25519_signatures_are_deterministic_and_verify(signer: Signer) -> None:
    signature = signer.sign(b"statement")
    assert signature == signer.sign(b"statement")
    assert verify_signature(b"statement", signature, signer.allowed_signers) == "edgewright"


def test_a_signature_for_other_bytes_is_refused(signer: Signer) -> None:
    with pytest.raises(EdgewrightError) as error:
        verify_signature(b"other", signer.sign(b"statement"), signer.allowed_signers)
    assert refused(error)[0] == "signature-invalid"


def test_a_signature_of_another_namespace_is_refused(signer: Signer, tmp_path: Path) -> None:
    signed = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-q", "-n", "git", "-f", str(signer.key)],
        input=b"statement",
        capture_output=True,
        check=True,
    )
    with pytest.raises(EdgewrightError) as error:
        verify_signature(b"statement", signed.stdout, signer.allowed_signers)
    assert refused(error)[0] == "signature-invalid"


def test_allowed_signers_bind_the_principal_and_the_namespace(signer: Signer) -> None:
    named = Signer(signer.key, signer.public_key, "release@example.org")
    assert named.allowed_signers.startswith(b'release@example.org namespaces="edgewright-release" ssh-ed25519 ')
    assert verify_signature(b"x", named.sign(b"x"), named.allowed_signers) == "release@example.org"


def test_no_key_says_how_to_make_one() -> None:
    with pytest.raises(EdgewrightError) as error:
        find_signer()
    assert refused(error) == ("signing-key-missing", ExitCode.MISSING)
    assert "ssh-keygen -t ed25519" in (error.value.diagnostics[0].hint or "")


def test_a_key_that_does_not_exist_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError) as error:
        find_signer(tmp_path / "absent")
    assert refused(error) == ("signing-key-missing", ExitCode.MISSING)


def test_the_environment_names_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, str(make_key(tmp_path / "key")))
    assert find_signer().sign(b"x")


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    key.chmod(0o644)
    with pytest.raises(EdgewrightError) as error:
        find_signer(key)
    assert refused(error) == ("signing-key-permissions", ExitCode.MISSING)
    assert "0644" in error.value.diagnostics[0].message


@pytest.mark.parametrize("has_public_half", [True, False])
def test_a_key_with_a_passphrase_needs_an_agent(tmp_path: Path, has_public_half: bool) -> None:
    key = make_key(tmp_path / "key", "-N", "secret words")
    if not has_public_half:
        (tmp_path / "key.pub").unlink()
    with pytest.raises(EdgewrightError) as error:
        find_signer(key).sign(b"x")
    assert refused(error) == ("signing-key-locked", ExitCode.MISSING)


def test_an_agent_signs_for_a_public_key(tmp_path: Path, agent: None) -> None:
    key = make_key(tmp_path / "key")
    subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
    key.unlink()
    signer = find_signer(tmp_path / "key.pub")
    assert verify_signature(b"x", signer.sign(b"x"), signer.allowed_signers) == "edgewright"


def test_an_agent_without_the_key_is_told(tmp_path: Path, agent: None) -> None:
    key = make_key(tmp_path / "key")
    key.unlink()
    with pytest.raises(EdgewrightError) as error:
        find_signer(tmp_path / "key.pub").sign(b"x")
    assert refused(error) == ("signing-key-locked", ExitCode.MISSING)


def test_a_key_with_a_foreign_public_half_does_not_sign(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    other = make_key(tmp_path / "other")
    (tmp_path / "key.pub").write_bytes(other.with_suffix(".pub").read_bytes())
    with pytest.raises(EdgewrightError) as error:
        find_signer(key).sign(b"x")
    assert refused(error)[0] in {"signing-failed", "signing-key-locked", "signature-invalid"}


def test_a_file_that_is_no_key_is_told(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("hello")
    path.chmod(0o600)
    with pytest.raises(EdgewrightError) as error:
        find_signer(path)
    assert refused(error) == ("signing-failed", ExitCode.MISSING)


def test_a_missing_ssh_keygen_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key(tmp_path / "key")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgewrightError) as error:
        find_signer(key)
    assert refused(error) == ("missing-tool", ExitCode.MISSING)
    assert "openssh-client" in (error.value.diagnostics[0].hint or "")
