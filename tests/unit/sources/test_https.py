import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.sources.server import Site

from edgewright.kernel.diagnostics import EdgewrightError, ExitCode
from edgewright.kernel.digest import digest_bytes
from edgewright.plugins.protocols import FileDigest, SourceContext
from edgewright.sources import download
from edgewright.sources.deposit import Limits
from edgewright.sources.https import HttpsSource
from edgewright.spec.v1beta1.blueprint import HttpsSource as Options

CONTENT = bytes(range(256)) * 4000


def options(site: Site, path: str, content: bytes, **more: str) -> Options:
    digest = hashlib.sha256(content).hexdigest()
    return Options.model_validate({"type": "https", "url": f"{site.url}{path}", "sha256": digest, **more}, strict=False)


def refused(error: pytest.ExceptionInfo[EdgewrightError]) -> tuple[str, ExitCode]:
    return error.value.diagnostics[0].slug, error.value.exit_code


def part_of(context: SourceContext, content: bytes) -> Path:
    return context.cache / "https" / f"{hashlib.sha256(content).hexdigest()}.part"


def test_one_file_is_named_by_its_address(
    site: Site, context: SourceContext, offline: SourceContext, out: Path
) -> None:
    site.files["/m/tiny.gguf"] = CONTENT
    asked = options(site, "/m/tiny.gguf", CONTENT)
    found = HttpsSource().resolve(asked, context)
    assert found.files == (FileDigest("tiny.gguf", digest_bytes(CONTENT), len(CONTENT)),)
    HttpsSource().acquire(asked, found.files, offline, out)
    assert (out / "tiny.gguf").read_bytes() == CONTENT
    assert len(site.seen) == 1


def test_a_lone_file_can_be_named(site: Site, context: SourceContext) -> None:
    site.files["/download/42"] = CONTENT
    found = HttpsSource().resolve(options(site, "/download/42", CONTENT, file="model/tiny.gguf"), context)
    assert [file.name for file in found.files] == ["model/tiny.gguf"]


def make_tar(*names: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(name)
            archive.addfile(info, io.BytesIO(name.encode()))
    return content.getvalue()


def make_zip(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return content.getvalue()


@pytest.mark.parametrize(("suffix", "make"), [("tar.gz", make_tar), ("zip", make_zip)])
def test_an_archive_is_a_folder_without_its_single_top(
    site: Site, context: SourceContext, out: Path, suffix: str, make: Callable[..., bytes]
) -> None:
    data = make("tiny-1.0/config.json", "tiny-1.0/sub/a.safetensors")
    site.files[f"/a.{suffix}"] = data
    asked = options(site, f"/a.{suffix}", data)
    found = HttpsSource().resolve(asked, context)
    assert [file.name for file in found.files] == ["config.json", "sub/a.safetensors"]
    HttpsSource().acquire(asked, found.files, context, out)
    assert (out / "sub" / "a.safetensors").read_text() == "tiny-1.0/sub/a.safetensors"
    one = HttpsSource().resolve(options(site, f"/a.{suffix}", data, file="tiny-1.0/config.json"), context)
    assert [file.name for file in one.files] == ["tiny-1.0/config.json"]


def test_a_member_that_an_archive_lacks_is_told(site: Site, context: SourceContext) -> None:
    site.files["/a.zip"] = data = make_zip("a.txt")
    with pytest.raises(EdgewrightError) as error:
        HttpsSource().resolve(options(site, "/a.zip", data, file="b.txt"), context)
    assert refused(error)[0] == "source-file-missing"
    assert "a.txt" in (error.value.diagnostics[0].hint or "")


def test_a_wrong_digest_leaves_nothing_in_the_cache(site: Site, context: SourceContext) -> None:
    site.files["/a.gguf"] = b"other"
    with pytest.raises(EdgewrightError) as error:
        HttpsSource().resolve(options(site, "/a.gguf", CONTENT), context)
    assert refused(error) == ("digest-mismatch", ExitCode.DOCUMENTS)
    assert digest_bytes(b"other") in error.value.diagnostics[0].notes[1]
    assert [p for p in context.cache.rglob("*") if p.is_file() and p.suffix != ".lock"] == []


def test_a_cut_connection_is_continued_by_range(site: Site, context: SourceContext) -> None:
    site.files["/a.gguf"] = CONTENT
    site.cut = [300_000, 300_000]
    HttpsSource().resolve(options(site, "/a.gguf", CONTENT), context)
    assert [request.range for request in site.seen] == [None, "bytes=300000-", "bytes=600000-"]


def test_a_server_without_ranges_is_read_from_the_beginning(site: Site, context: SourceContext) -> None:
    site.files["/a.gguf"], site.has_ranges, site.cut = CONTENT, False, [300_000]
    HttpsSource().resolve(options(site, "/a.gguf", CONTENT), context)
    assert [request.range for request in site.seen] == [None, "bytes=300000-"]


def test_a_part_of_an_earlier_run_is_continued(site: Site, context: SourceContext) -> None:
    site.files["/a.gguf"] = CONTENT
    part = part_of(context, CONTENT)
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1000])
    HttpsSource().resolve(options(site, "/a.gguf", CONTENT), context)
    assert [request.range for request in site.seen] == ["bytes=1000-"]


@pytest.mark.parametrize("stale", [b"stale" * 10, CONTENT + b"more", b"x" * len(CONTENT)])
def test_a_stale_part_costs_time_and_not_the_result(site: Site, context: SourceContext, stale: bytes) -> None:
    site.files["/a.gguf"] = CONTENT
    part = part_of(context, CONTENT)
    part.parent.mkdir(parents=True)
    part.write_bytes(stale)
    assert HttpsSource().resolve(options(site, "/a.gguf", CONTENT), context).files[0].digest == digest_bytes(CONTENT)


def test_a_connection_that_is_always_cut_ends_and_keeps_what_arrived(
    site: Site, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_FIRST_PAUSE_S", 0.0)
    site.files["/a.gguf"], site.cut = CONTENT, [100] * 20
    with pytest.raises(EdgewrightError) as error:
        HttpsSource().resolve(options(site, "/a.gguf", CONTENT), context)
    assert refused(error) == ("download-failed", ExitCode.MISSING)
    assert part_of(context, CONTENT).stat().st_size == 500


def test_an_answer_that_may_pass_is_asked_again(
    site: Site, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_FIRST_PAUSE_S", 0.0)
    site.files["/a.gguf"], site.statuses = CONTENT, {"/a.gguf": [503, 429]}
    HttpsSource().resolve(options(site, "/a.gguf", CONTENT), context)
    assert len(site.seen) == 3


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, ("source-not-found", ExitCode.DOCUMENTS)),
        (403, ("access-denied", ExitCode.MISSING)),
        (400, ("download-failed", ExitCode.MISSING)),
    ],
)
def test_a_final_answer_is_told_at_once(
    site: Site, context: SourceContext, status: int, expected: tuple[str, ExitCode]
) -> None:
    site.statuses = {"/a.gguf": [status]}
    with pytest.raises(EdgewrightError) as error:
        HttpsSource().resolve(options(site, "/a.gguf", CONTENT), context)
    assert refused(error) == expected
    assert len(site.seen) == 1


def test_a_file_that_is_too_large_is_refused_unread(site: Site, tmp_path: Path) -> None:
    site.files["/a"] = CONTENT
    with pytest.raises(EdgewrightError) as error:
        download.fetch(download.Request(f"{site.url}/a", 1000), tmp_path / "a", lambda path: None)
    assert refused(error)[0] == "download-too-large"
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "a.part").stat().st_size == 0


def test_redirects_are_followed_to_loopback_and_https_only(site: Site, context: SourceContext) -> None:
    site.files["/real.gguf"] = CONTENT
    site.redirects = {"/a.gguf": "/real.gguf", "/b.gguf": "http://192.0.2.1/x", "/c.gguf": "file:///etc/passwd"}
    assert HttpsSource().resolve(options(site, "/a.gguf", CONTENT), context).files[0].name == "a.gguf"
    for path, slug in (("/b.gguf", "insecure-url"), ("/c.gguf", "download-failed")):
        with pytest.raises(EdgewrightError) as error:
            HttpsSource().resolve(options(site, path, b"other"), context)
        assert refused(error)[0] == slug


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("http://192.0.2.1/a.gguf", "insecure-url"),
        ("http://127.0.0.1.example.org/a.gguf", "insecure-url"),
        ("https://user:hunter2@example.org/a.gguf", "credential-in-url"),
    ],
)
def test_addresses_that_are_not_fetched(context: SourceContext, url: str, slug: str) -> None:
    asked = Options.model_validate({"type": "https", "url": url, "sha256": "0" * 64}, strict=False)
    with pytest.raises(EdgewrightError) as error:
        HttpsSource().resolve(asked, context)
    assert refused(error)[0] == slug
    assert "hunter2" not in repr(error.value.diagnostics)


def test_offline_and_not_cached_is_missing(site: Site, offline: SourceContext) -> None:
    with pytest.raises(EdgewrightError) as error:
        HttpsSource().resolve(options(site, "/a.gguf", CONTENT), offline)
    assert refused(error) == ("offline-not-cached", ExitCode.MISSING)
    assert site.seen == []


def test_the_default_limits_take_a_small_language_model() -> None:
    Limits().check(100, 8 * 2**30, "a model of 8 GiB")
