import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.sources.archive import members
from edgewright.sources.deposit import Limits


def read_all(path: Path, **options: Limits) -> dict[str, bytes]:
    return {name: stream.read() for name, stream in members(path, subject=path.name, **options)}


def refusal(path: Path, **options: Limits) -> str:
    with pytest.raises(EdgewrightError) as error:
        read_all(path, **options)
    return f"{error.value.diagnostics[0].slug}: {error.value.diagnostics[0].message}"


def zipped(path: Path, *entries: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def tarred(path: Path, *entries: tuple[tarfile.TarInfo | str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for entry, data in entries:
            info = entry if isinstance(entry, tarfile.TarInfo) else tarfile.TarInfo(entry)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def link(name: str, target: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_archives_are_read(tmp_path: Path, mode: str) -> None:
    path = tarred(tmp_path / "a.tar", ("./a/b", b"1"), ("a/c", b"2" * 100_000), mode=mode)
    assert read_all(path) == {"a/b": b"1", "a/c": b"2" * 100_000}


def test_zip_archives_are_read_and_folders_are_skipped(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a/", b""), ("a/b", b"1"))
    assert read_all(path) == {"a/b": b"1"}


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "a//b", "a\\b", "./a", "a/.", "a\nb"])
def test_unsafe_names_are_refused_in_zip_archives(tmp_path: Path, name: str) -> None:
    assert refusal(zipped(tmp_path / "a.zip", (name, b"x"))).startswith("archive-unsafe")


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "a//b", "a\\b", "a/.", "a\nb"])
def test_unsafe_names_are_refused_in_tar_archives(tmp_path: Path, name: str) -> None:
    assert refusal(tarred(tmp_path / "a.tar", (name, b"x"))).startswith("archive-unsafe")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("write", [zipped, tarred])
def test_duplicates_and_files_that_are_folders_are_refused(tmp_path: Path, write: Callable[..., Path]) -> None:
    assert "twice" in refusal(write(tmp_path / "a", ("a", b"1"), ("a", b"2")))
    assert "twice" in refusal(write(tmp_path / "b", ("a", b"1"), ("a/b", b"2")))
    assert "twice" in refusal(write(tmp_path / "c", ("a/b", b"1"), ("a", b"2")))


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    assert "link or a device" in refusal(zipped(tmp_path / "a.zip", (link("a", "/etc/passwd"), b"/etc/passwd")))
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        info = tarfile.TarInfo("a")
        info.type, info.linkname = kind, "/etc/passwd"
        assert "link, a device" in refusal(tarred(tmp_path / "a.tar", (info, b"")))


def test_a_bomb_is_refused_by_its_declared_size_before_it_is_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", ("zeros", b"\0" * 50_000_000))
    assert path.stat().st_size < 100_000
    assert refusal(path, limits=Limits(total_bytes=1_000_000)).startswith("source-too-large")
    path = tarred(tmp_path / "bomb.tar.gz", ("zeros", b"\0" * 50_000_000), mode="w:gz")
    assert refusal(path, limits=Limits(total_bytes=1_000_000)).startswith("source-too-large")


def test_a_tar_whose_end_never_comes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "endless.tar"
    path.write_bytes(tarred(tmp_path / "a.tar", ("a", b"1")).read_bytes()[:1024] + b"\0" * 400 + b"x" * 3_000_000)
    assert refusal(path).startswith("archive-unsafe")


def test_a_huge_pax_header_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * 5_000_000}
    assert "too large" in refusal(tarred(tmp_path / "a.tar", (info, b"1")))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "many.zip", *((f"f{i}", b"") for i in range(20)))
    assert refusal(path, limits=Limits(files=10)).startswith("source-too-large")


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "overlap.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a", b"x" * 10_000)
        first = archive.infolist()[0]
        for name in ("b", "c", "d"):
            twin = zipfile.ZipInfo(name)
            twin.CRC, twin.compress_size, twin.file_size = first.CRC, first.compress_size, first.file_size
            twin.header_offset = first.header_offset
            archive.filelist.append(twin)
    assert "overlap" in refusal(path)


def test_an_encrypted_or_otherwise_compressed_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a", b"1"))
    data = bytearray(path.read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        data[data.index(mark) + (6 if mark[2] == 3 else 8)] |= 1
    path.write_bytes(data)
    assert "encrypted" in refusal(path)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"1")
    assert "deflate" in refusal(tmp_path / "b.zip")


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_truncated_tar_archives_are_refused(tmp_path: Path, mode: str, keep: float) -> None:
    path = tarred(tmp_path / "a.tar", ("a", bytes(range(256)) * 2000), mode=mode)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    assert refusal(path).startswith("archive-unsafe")


def test_a_changed_byte_in_a_zip_member_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a", bytes(range(256)) * 20))
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    assert refusal(path).startswith("archive-unsafe")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"<html>not found</html>" * 100)
    assert refusal(path).startswith("archive-unsafe")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    entries = (("a/b", b"hello" * 50), ("c", b"world"))
    path = (zipped if data.draw(st.booleans()) else tarred)(folder / "a", *entries)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        assert all(".." not in name for name in read_all(path))
    except EdgewrightError as error:
        assert error.diagnostics[0].slug in {"archive-unsafe", "source-too-large"}
