"""The strict reader of wheels, against archives that lie."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.device_release import TestDevice, build_wheel
from tests.unit.device.conftest import ReleaseMaker

from edgewright.device import archive
from edgewright.device.refusal import Refusal


def _entry(name: str, mode: int = 0) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


def _write(path: Path, build: Callable[[zipfile.ZipFile], None]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        build(file)
    return path


BAD_NAMES = ["/etc/passwd", "../x", "a/../../x", "a//x", "./x", "a\\x", "C:/x", "a\nx", "x" * 500, "..", "a/../x"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leaves_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "a.whl", lambda file: file.writestr(_entry(name), b"x"))
    with pytest.raises(Refusal, match="unsafe name"):
        archive.unpack(path, "a.whl", tmp_path / "site", {})
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR])
def test_links_and_special_files_are_refused(kind: int, tmp_path: Path) -> None:
    path = _write(tmp_path / "a.whl", lambda file: file.writestr(_entry("x", kind | 0o777), b"/etc/passwd"))
    with pytest.raises(Refusal, match="link or a special file"):
        archive.list_members(path, "a.whl")


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    def build(file: zipfile.ZipFile) -> None:
        file.writestr("x.py", b"good")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("x.py", b"evil")

    with pytest.raises(Refusal, match="twice"):
        archive.list_members(_write(tmp_path / "a.whl", build), "a.whl")


def test_a_data_folder_cannot_shadow_a_module(tmp_path: Path) -> None:
    path = build_wheel(tmp_path / "a.whl", {"x.py": b"good", "a-1.data/purelib/x.py": b"evil"})
    with pytest.raises(Refusal, match="twice"):
        archive.list_members(path, "a.whl")


def test_a_file_below_a_file_is_refused(tmp_path: Path) -> None:
    path = build_wheel(tmp_path / "a.whl", {"x": b"file", "x/y": b"below"})
    with pytest.raises(Refusal, match="below a file"):
        archive.list_members(path, "a.whl")


def test_an_overlapping_bomb_is_refused(tmp_path: Path) -> None:
    """Two central entries over the same bytes."""
    path = build_wheel(tmp_path / "a.whl", {"a": b"0" * 100_000, "b": b"1" * 100_000})
    content = bytearray(path.read_bytes())
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(content)
    with pytest.raises(Refusal, match="shares bytes"):
        archive.list_members(path, "a.whl")


def test_more_than_declared_is_refused(tmp_path: Path) -> None:
    """The central directory says 10 bytes; the stream has 100,000."""
    path = build_wheel(tmp_path / "a.whl", {"a": b"0" * 100_000})
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = struct.pack("<I", 10)
    path.write_bytes(content)
    with pytest.raises(Refusal):
        archive.unpack(path, "a.whl", tmp_path / "site", {})
    assert sum(file.stat().st_size for file in (tmp_path / "site").rglob("*") if file.is_file()) <= 10


def test_a_declared_giant_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = build_wheel(tmp_path / "a.whl", {f"{n}": b"x" for n in range(3)})
    content = bytearray(path.read_bytes())
    place = 0
    for _ in range(3):
        place = content.index(b"PK\x01\x02", place) + 4
        content[place + 20 : place + 24] = struct.pack("<I", 2**30)
    path.write_bytes(content)
    with pytest.raises(Refusal, match="are allowed"):
        archive.list_members(path, "a.whl")


def test_an_unusual_compression_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w", zipfile.ZIP_LZMA) as file:
        file.writestr("x", b"x" * 100)
    with pytest.raises(Refusal, match="compresses"):
        archive.list_members(tmp_path / "a.whl", "a.whl")


def test_scripts_and_headers_of_a_wheel_are_left_out_and_modes_are_masked(tmp_path: Path) -> None:
    def build(file: zipfile.ZipFile) -> None:
        file.writestr(_entry("pkg/native.so", stat.S_IFREG | 0o6777), b"so")
        file.writestr(_entry("pkg/__init__.py", stat.S_IFREG | 0o600), b"")
        file.writestr("a-1.data/scripts/tool", b"#!")
        file.writestr("a-1.data/headers/x.h", b"")
        file.writestr("a-1.data/platlib/pkg/extra.py", b"")

    archive.unpack(_write(tmp_path / "a.whl", build), "a.whl", tmp_path / "site", {})
    found = {
        p.relative_to(tmp_path / "site").as_posix(): p.stat().st_mode & 0o7777 for p in (tmp_path / "site").rglob("*.*")
    }
    assert found == {"pkg/native.so": 0o755, "pkg/__init__.py": 0o644, "pkg/extra.py": 0o644}


def test_two_wheels_may_bring_the_same_file_only_if_it_is_the_same(tmp_path: Path) -> None:
    first = build_wheel(tmp_path / "a.whl", {"LICENSE": b"MIT", "a.py": b""})
    same = build_wheel(tmp_path / "b.whl", {"LICENSE": b"MIT"})
    other = build_wheel(tmp_path / "c.whl", {"LICENSE": b"GPL"})
    taken: dict[str, tuple[int, int]] = {}
    archive.unpack(first, "a.whl", tmp_path / "site", taken)
    archive.unpack(same, "b.whl", tmp_path / "site", taken)
    with pytest.raises(Refusal, match="brings another"):
        archive.unpack(other, "c.whl", tmp_path / "site", taken)


def test_a_folder_of_one_wheel_over_a_file_of_another_is_refused(tmp_path: Path) -> None:
    taken: dict[str, tuple[int, int]] = {}
    archive.unpack(build_wheel(tmp_path / "a.whl", {"x": b"file"}), "a.whl", tmp_path / "site", taken)
    with pytest.raises(Refusal, match="where another wheel has a folder"):
        archive.unpack(build_wheel(tmp_path / "b.whl", {"x/y": b"below"}), "b.whl", tmp_path / "site", taken)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_wheel_unpacks_to_the_truth_or_is_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("wheel")
    truth = {"pkg/__init__.py": b"import this\n" * 20, "pkg/data.bin": bytes(range(256)) * 8, "LICENSE": b"free"}
    content = bytearray(build_wheel(folder / "a.whl", truth).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    (folder / "b.whl").write_bytes(content[:cut])
    try:
        archive.unpack(folder / "b.whl", "b.whl", folder / "site", {})
    except Refusal as refusal:
        assert refusal.slug == "archive-unsafe"
        return
    for path in (folder / "site").rglob("*"):
        if path.is_file():
            assert path.read_bytes() in truth.values()


def test_a_release_with_an_unsafe_wheel_is_refused_whole(
    device: TestDevice, make: ReleaseMaker, tmp_path: Path
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(_entry("../../evil.py"), b"x")
    wheel = tmp_path / "evil-1.0-py3-none-any.whl"
    wheel.write_bytes(content.getvalue())
    device.refused("archive-unsafe", "stage", "--incoming", str(device.push(make(wheels=(wheel,)))))
    assert not any((device.root / "releases").iterdir())
    assert not list(device.root.rglob("evil.py"))


def test_the_packages_of_a_release_come_before_all_others(
    device: TestDevice, make: ReleaseMaker, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path / "x-1.0-py3-none-any.whl", {"x/__init__.py": b"", "x-1.0.dist-info/METADATA": b""})
    device.stage(make(wheels=(wheel,)))
    assert (device.root / "releases" / "1000000" / "site" / "x" / "__init__.py").is_file()
    assert not (device.root / "releases" / "1000000" / "wheels").exists()
