"""Wheels for a device's platform, from a local index."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.sources.server import Site
from tests.unit.sources.wheelhouse import make_wheel, publish

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.kernel.digest import digest_bytes
from edgewright.plugins.protocols import FileDigest, WheelRequirement
from edgewright.plugins.wheels import fetch_wheels, platform_tags, resolve_wheels

WANTED = (WheelRequirement("native", "1.0"), WheelRequirement("abi-only", "2.0"), WheelRequirement("pure", "3.0"))


def refused(error: pytest.ExceptionInfo[EdgewrightError]) -> tuple[str, ExitCode]:
    return error.value.diagnostics[0].slug, error.value.exit_code


@pytest.fixture(autouse=True)
def index(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "PIP_INDEX_URL",
        publish(
            site,
            make_wheel("native", tag="cp311-cp311-manylinux_2_28_aarch64"),
            make_wheel("native", tag="cp311-cp311-manylinux_2_35_aarch64"),
            make_wheel("native", tag="cp311-cp311-manylinux_2_28_x86_64"),
            make_wheel("native", tag="cp312-cp312-manylinux_2_28_aarch64"),
            make_wheel("native", tag="cp311-cp311-musllinux_1_2_aarch64"),
            make_wheel("abi_only", "2.0", tag="cp39-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64"),
            make_wheel("pure", "3.0", tag="py3-none-any"),
        ),
    )


def names(files: tuple[FileDigest, ...]) -> list[str]:
    return [file.name.removesuffix(".whl") for file in files]


def test_tags_reach_from_the_devices_libc_down_to_manylinux2014() -> None:
    tags = platform_tags("aarch64", "2.31")
    assert tags[0] == "manylinux_2_31_aarch64"
    assert tags[-2:] == ("manylinux_2_17_aarch64", "manylinux2014_aarch64")
    assert platform_tags("armv7", "2.36")[0] == "manylinux_2_36_armv7l"
    assert platform_tags("x86_64", "1.2", "musl") == (
        "musllinux_1_2_x86_64",
        "musllinux_1_1_x86_64",
        "musllinux_1_0_x86_64",
    )
    with pytest.raises(EdgewrightError, match=r"glibc 2\.12 is older than 2\.17"):
        platform_tags("x86_64", "2.12")


def test_each_platform_gets_the_newest_wheel_it_can_load(tmp_path: Path) -> None:
    found = resolve_wheels(WANTED, "aarch64", "2.36", "3.11", tmp_path)
    assert names(found) == [
        "abi_only-2.0-cp39-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64",
        "native-1.0-cp311-cp311-manylinux_2_35_aarch64",
        "pure-3.0-py3-none-any",
    ]
    assert names(resolve_wheels(WANTED[:1], "aarch64", "2.31", "3.11", tmp_path)) == [
        "native-1.0-cp311-cp311-manylinux_2_28_aarch64"
    ]
    assert names(resolve_wheels(WANTED[:1], "aarch64", "2.31", "3.12", tmp_path)) == [
        "native-1.0-cp312-cp312-manylinux_2_28_aarch64"
    ]
    assert names(resolve_wheels(WANTED[:1], "aarch64", "1.2", "3.11", tmp_path, libc_family="musl")) == [
        "native-1.0-cp311-cp311-musllinux_1_2_aarch64"
    ]


def test_a_platform_without_a_wheel_is_told(tmp_path: Path) -> None:
    with pytest.raises(EdgewrightError) as error:
        resolve_wheels(WANTED, "riscv64", "2.36", "3.11", tmp_path)
    assert refused(error) == ("package-not-found", ExitCode.DOCUMENTS)
    assert "riscv64, glibc 2.36, Python 3.11" in error.value.diagnostics[0].message


def test_an_empty_cache_is_filled_from_the_lock_alone(tmp_path: Path) -> None:
    locked = resolve_wheels(WANTED, "aarch64", "2.36", "3.11", tmp_path / "a")
    fetched = fetch_wheels(locked, tmp_path / "b")
    assert {name: digest_bytes(path.read_bytes()) for name, path in fetched.items()} == {
        file.name: file.digest for file in locked
    }


def test_a_full_cache_needs_no_network(tmp_path: Path, site: Site) -> None:
    locked = resolve_wheels(WANTED, "aarch64", "2.36", "3.11", tmp_path)
    site.seen.clear()
    assert resolve_wheels(WANTED, "aarch64", "2.36", "3.11", tmp_path, offline=True) == locked
    fetch_wheels(locked, tmp_path, offline=True)
    assert site.seen == []
    with pytest.raises(EdgewrightError) as error:
        fetch_wheels(locked, tmp_path / "empty", offline=True)
    assert refused(error) == ("offline-not-cached", ExitCode.MISSING)


def test_an_index_that_changed_a_wheel_is_refused_with_both_digests(tmp_path: Path) -> None:
    (locked,) = resolve_wheels(WANTED[2:], "aarch64", "2.36", "3.11", tmp_path)
    old = replace(locked, digest=digest_bytes(b"what was locked"))
    with pytest.raises(EdgewrightError) as error:
        fetch_wheels([old], tmp_path)
    assert refused(error) == ("digest-mismatch", ExitCode.DOCUMENTS)
    assert locked.digest in error.value.diagnostics[0].notes[1]


@pytest.mark.parametrize(
    "name", ["../../evil.whl", "a.whl", "a-1.0-py3-none-any.tar.gz", "a-1.0-py3-none---index-url.whl"]
)
def test_a_lock_with_a_name_that_is_no_wheel_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EdgewrightError) as error:
        fetch_wheels([FileDigest(name, digest_bytes(b""), 0)], tmp_path)
    assert refused(error)[0] == "lock-invalid"


@pytest.mark.parametrize("package", ["--index-url=http://evil", "a b", "", "a==1"])
def test_a_requirement_cannot_become_an_option(tmp_path: Path, package: str) -> None:
    with pytest.raises(EdgewrightError) as error:
        resolve_wheels([WheelRequirement(package, "1.0")], "aarch64", "2.36", "3.11", tmp_path)
    assert refused(error)[0] == "package-name-invalid"
