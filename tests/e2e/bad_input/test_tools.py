"""A missing tool is named with the package it comes in, before the work that would need it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.e2e.bad_input.conftest import Shop
from tests.e2e.bad_input.shop import BOARD, PC, Repository, path_without


def test_without_qemu_a_foreign_target_is_not_even_begun(shop: Shop, repository: Repository, tmp_path: Path) -> None:
    repository.variables["PATH"] = path_without(tmp_path / "path", "qemu-*")
    key = str(shop.keys.key)
    for command, *options in (["build"], ["compile", "--signing-key", key]):
        ended = repository.refused(command, "missing-tool", f" {repository.place(BOARD)}\n", *options, exit_code=7)
        assert "qemu-aarch64-static is missing" in ended.stderr
        assert "apt-get install qemu-user-static" in ended.stderr
    assert not repository.cache.exists()


def test_without_compilers_every_target_that_needs_one_is_named(repository: Repository, tmp_path: Path) -> None:
    repository.variables["PATH"] = path_without(tmp_path / "path", "x86_64-linux-gnu-gcc", "aarch64-linux-gnu-gcc")
    ended = repository.refused("build", "missing-tool", f" {repository.place(PC)}\n", exit_code=7)
    assert f" {repository.place(BOARD)}\n" in ended.stderr
    assert "apt-get install gcc-aarch64-linux-gnu" in ended.stderr


def test_without_ssh_keygen_nothing_is_signed_and_nothing_is_trusted(
    shop: Shop, repository: Repository, tmp_path: Path
) -> None:
    repository.variables["PATH"] = path_without(tmp_path / "path", "ssh-keygen")
    for command, *options in (["compile", "--signing-key", str(shop.keys.key)], ["rollout"]):
        ended = repository.refused(command, "missing-tool", "ssh-keygen", *options, exit_code=7)
        assert "apt-get install openssh-client" in ended.stderr


def test_without_ansible_no_device_is_reached_and_the_tool_is_named(repository: Repository, tmp_path: Path) -> None:
    bare = tmp_path / "bin" / "python3"  # an interpreter that has no ansible-playbook beside it
    bare.parent.mkdir()
    bare.symlink_to(Path(sys.executable).resolve())
    repository.python = str(bare)
    packages = [path for path in sys.path if path.endswith("site-packages")]
    repository.variables["PYTHONPATH"] = ":".join([repository.environment()["PYTHONPATH"], *packages])
    repository.variables["PATH"] = path_without(tmp_path / "path", "ansible*")
    for command in ("rollout", "rollback"):
        ended = repository.refused(command, "missing-tool", "ansible-playbook", exit_code=7)
        assert "pip install 'edgewright[fleet]'" in ended.stderr
