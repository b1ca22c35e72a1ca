import os
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

from edgewright.kernel.resources import package_folder
from edgewright.package.agent import build_agent


def test_the_agent_has_the_device_package_and_nothing_else() -> None:
    content = build_agent()
    assert content.startswith(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = archive.namelist()
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert names == sorted(names)
    assert names[0] == "__main__.py"
    assert "edgewright/device/release.py" in names
    assert all(name.startswith("edgewright/device/") for name in names[2:])
    assert not [name for name in names if "__pycache__" in name]


def test_the_agent_is_the_same_wherever_its_sources_lie(tmp_path: Path) -> None:
    copy = tmp_path / "edgewright"
    shutil.copytree(package_folder() / "device", copy / "device")
    shutil.copy(package_folder() / "__init__.py", copy / "__init__.py")
    os.utime(copy / "__init__.py", (0, 0))
    assert build_agent(copy) == build_agent()


def test_the_agent_runs_alone(tmp_path: Path) -> None:
    agent = tmp_path / "edgewright-agent.pyz"
    agent.write_bytes(build_agent())
    finished = subprocess.run(
        [sys.executable, "-I", "-S", str(agent), "--help"], capture_output=True, cwd=tmp_path, timeout=30
    )
    assert finished.returncode == 0, finished.stderr.decode()
    assert b"observe" in finished.stdout
