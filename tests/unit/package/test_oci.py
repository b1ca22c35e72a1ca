from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.kernel.digest import digest_bytes
from edgewright.package.oci import OciLayout
from edgewright.package.strict_json import parse_object


@pytest.fixture
def layout(tmp_path: Path) -> OciLayout:
    layout = OciLayout(tmp_path / "layout")
    layout.prepare()
    return layout


def test_a_file_becomes_a_blob_under_its_digest(layout: OciLayout, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(b"content")
    descriptor = layout.add_layer(source, "text/plain")
    assert descriptor.digest == digest_bytes(b"content")
    assert layout.path_of(descriptor.digest).samefile(source)
    assert layout.add_layer(source, "text/plain") == descriptor
    assert layout.add_document(b"content", "text/plain") == descriptor
    assert [p.name for p in (layout.root / "blobs" / "sha256").iterdir()] == [descriptor.digest[7:]]


def test_a_tampered_json_blob_is_refused(layout: OciLayout) -> None:
    descriptor = layout.add_document(b"{}", "application/json")
    layout.path_of(descriptor.digest).write_bytes(b"[]")
    with pytest.raises(EdgewrightError, match="is not what was signed"):
        layout.read_json(descriptor.digest)


@pytest.mark.parametrize("marker", ["{}", '{"imageLayoutVersion":"2.0.0"}', "", "[1]"])
def test_a_folder_that_is_no_layout_is_refused(layout: OciLayout, marker: str) -> None:
    layout.write_index([], {})
    (layout.root / "oci-layout").write_text(marker)
    with pytest.raises(EdgewrightError) as error:
        layout.read_index()
    assert error.value.diagnostics[0].slug == "layout-invalid"


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '{"a":NaN}', "[]", '{"a":' * 100_000, "\ud800", "{"])
def test_unclear_json_is_refused(text: str) -> None:
    with pytest.raises(EdgewrightError) as error:
        parse_object(text.encode("utf-8", "surrogatepass"), "it", "unclear")
    assert error.value.diagnostics[0].slug == "unclear"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        assert isinstance(parse_object(data, "it", "unclear"), dict)
    except EdgewrightError as error:
        assert error.diagnostics[0].slug == "unclear"
