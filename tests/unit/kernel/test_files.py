"""Files: what is no file is refused without waiting, and what people point at is not replaced by one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.kernel.files import read_bounded, write_output


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [_pipe, _device, Path.mkdir])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(make: object, tmp_path: Path) -> None:
    assert callable(make)
    path = tmp_path / "statement.json"
    make(path)
    with pytest.raises(EdgewrightError, match="is not a regular file"):
        read_bounded(path, 100)


def test_an_output_goes_into_a_pipe_and_in_the_place_of_a_link(tmp_path: Path) -> None:
    pipe, link, file = tmp_path / "pipe", tmp_path / "link", tmp_path / "file"
    _pipe(pipe)
    file.write_bytes(b"kept")
    link.symlink_to(file)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_output(pipe, b"report")
    reader.join(10)
    write_output(link, b"report")
    assert got == [b"report"]
    assert pipe.is_fifo()
    assert not link.is_symlink()
    assert (link.read_bytes(), file.read_bytes()) == (b"report", b"kept")


def test_a_link_to_a_stream_is_replaced_and_a_folder_is_an_error(tmp_path: Path) -> None:
    link = tmp_path / "report"
    link.symlink_to("/dev/null")
    write_output(link, b"report")
    assert link.read_bytes() == b"report"
    with pytest.raises(OSError, match="directory"):
        write_output(tmp_path, b"report")
