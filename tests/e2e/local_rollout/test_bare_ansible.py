"""The rendered project is a plain Ansible project: ansible-playbook runs it, and ansible-lint finds nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.local_rollout.shop import Shop

BIN = Path(sys.executable).parent
pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")


def run(shop: Shop, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    environment["ANSIBLE_HOME"] = str(shop.root.parent / "ansible-home")
    project = shop.root / "dist" / "demo" / "ansible"
    argv = [str(BIN / tool), *arguments]
    return subprocess.run(argv, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=240)


def test_a_wave_runs_under_ansible_playbook_alone_and_a_second_time_touches_nothing_that_runs(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, 2)
    try:
        number = shop.release("1.0.0")
        shop.command("render")
        wave = ("-i", "inventories/01-canary.json", "playbooks/site.yml")
        first = run(shop, "ansible-playbook", *wave)
        assert first.returncode == 0, first.stdout + first.stderr
        assert shop.confirmed() == {"counter-0": number, "counter-1": None}
        device = shop.devices["counter-0"]
        before = (device.supervisor_pid(), device.http("/healthz")[0], os.lstat(device.root / "current").st_ino)
        again = run(shop, "ansible-playbook", *wave)
        assert again.returncode == 0, again.stdout + again.stderr
        # the documents are pushed to be verified anew, and collected as garbage; no agent command changes anything
        assert "changed=2 " in again.stdout, again.stdout
        after = (device.supervisor_pid(), device.http("/healthz")[0], os.lstat(device.root / "current").st_ino)
        assert after == before
        assert "WARNING" not in again.stderr, again.stderr
    finally:
        shop.stop()


def test_the_project_passes_the_production_profile_of_ansible_lint(tmp_path: Path) -> None:
    if not (BIN / "ansible-lint").exists():
        pytest.skip("ansible-lint is not installed beside this interpreter")
    shop = Shop.create(tmp_path, 2)
    shop.release("1.0.0")
    shop.command("render")
    linted = run(shop, "ansible-lint", "--profile", "production", "--offline", "-q", "--nocolor")
    assert linted.returncode == 0, linted.stdout + linted.stderr
