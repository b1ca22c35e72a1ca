from pathlib import Path

import pytest

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.kernel.digest import digest_bytes
from edgewright.plugins.protocols import FileDigest, SourceContext
from edgewright.sources.deposit import Limits
from edgewright.sources.directory import DirectorySource
from edgewright.spec.v1beta1.blueprint import DirectorySource as Options


def options(**more: str) -> Options:
    return Options.model_validate({"type": "directory", "path": "models/tiny", **more})


@pytest.fixture
def model(context: SourceContext) -> Path:
    folder = context.repository / "models" / "tiny"
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "sub" / "model.gguf").write_bytes(b"GGUF")
    return folder


def slug(error: pytest.ExceptionInfo[EdgewrightError]) -> str:
    return error.value.diagnostics[0].slug


def test_every_file_is_resolved_and_written(model: Path, context: SourceContext, out: Path) -> None:
    found = DirectorySource().resolve(options(), context)
    assert found.files == (
        FileDigest("config.json", digest_bytes(b"{}"), 2),
        FileDigest("sub/model.gguf", digest_bytes(b"GGUF"), 4),
    )
    DirectorySource().acquire(options(), found.files, context, out)
    assert (out / "sub" / "model.gguf").read_bytes() == b"GGUF"
    assert not (out / "config.json").samefile(model / "config.json")


def test_one_file_is_taken_alone(model: Path, context: SourceContext) -> None:
    found = DirectorySource().resolve(options(file="sub/model.gguf"), context)
    assert [file.name for file in found.files] == ["sub/model.gguf"]


def test_a_file_edited_after_the_lock_is_refused(model: Path, context: SourceContext, out: Path) -> None:
    found = DirectorySource().resolve(options(), context)
    (model / "config.json").write_text("[]")
    with pytest.raises(EdgewrightError) as error:
        DirectorySource().acquire(options(), found.files, context, out)
    assert slug(error) == "digest-mismatch"
    assert "edgewright lock" in (error.value.diagnostics[0].hint or "")


@pytest.mark.parametrize("where", ["models", "models/tiny", "models/tiny/config.json", "models/tiny/sub"])
def test_no_link_is_followed(model: Path, context: SourceContext, tmp_path: Path, where: str) -> None:
    place = context.repository / where
    moved = tmp_path / "elsewhere"
    place.rename(moved)
    place.symlink_to(moved)
    with pytest.raises(EdgewrightError) as error:
        DirectorySource().resolve(options(), context)
    assert slug(error) == "not-a-file"


def test_what_is_not_there_is_told(context: SourceContext, model: Path) -> None:
    with pytest.raises(EdgewrightError) as error:
        DirectorySource().resolve(Options.model_validate({"type": "directory", "path": "other"}), context)
    assert slug(error) == "source-not-found"
    with pytest.raises(EdgewrightError) as error:
        DirectorySource().resolve(options(file="absent.gguf"), context)
    assert slug(error) == "source-file-missing"
    (context.repository / "empty").mkdir()
    with pytest.raises(EdgewrightError) as error:
        DirectorySource().resolve(Options.model_validate({"type": "directory", "path": "empty"}), context)
    assert slug(error) == "source-empty"


def test_limits_name_the_number_found_and_the_number_allowed() -> None:
    with pytest.raises(EdgewrightError, match="has 3 files, at most 2"):
        Limits(files=2).check(3, 0, "x")
    with pytest.raises(EdgewrightError, match=r"has 2.0 KiB of files, at most 1.0 KiB"):
        Limits(total_bytes=1024).check(1, 2048, "x")
