"""Licences: SPDX where it is certain which one is meant, and a note where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.lock.licenses import dataset_license
from edgewright.plugins.wheel_metadata import spdx_license, spdx_license_of_wheel

_APACHE = "Classifier: License :: OSI Approved :: Apache Software License\n"
_MIT = "Classifier: License :: OSI Approved :: MIT License\n"


@pytest.mark.parametrize(
    ("headers", "expression"),
    [
        ("License-Expression: BSD-3-Clause AND 0BSD\n", "BSD-3-Clause AND 0BSD"),
        ("License-Expression: apache-2.0\n", "Apache-2.0"),
        ("License: MIT\n", "MIT"),
        ("License: MIT License\n" + _APACHE, "MIT"),
        ("License: Apache License, Version 2.0\n", "Apache-2.0"),
        (_MIT, "MIT"),
        ("License: see LICENSE\n" + _MIT, "MIT"),
        ("Classifier: License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)\n", "MPL-2.0"),
    ],
)
def test_a_certain_licence_is_an_spdx_expression(headers: str, expression: str) -> None:
    assert spdx_license(f"Name: x\n{headers}".encode()) == (expression, None)


@pytest.mark.parametrize(
    ("headers", "note"),
    [
        ("", "none is stated"),
        ("License: BSD\n", "stated as 'BSD', which is no certain SPDX expression"),
        (_APACHE, "stated as 'Apache Software License', which is no certain SPDX expression"),
        (_MIT + _APACHE, "stated as 'MIT License, Apache Software License', which is no certain SPDX expression"),
        ("License-Expression: MIT; rm -rf /\n", "stated as 'MIT; rm -rf /', which is no certain SPDX expression"),
    ],
)
def test_an_uncertain_licence_is_none_and_a_note(headers: str, note: str) -> None:
    assert spdx_license(f"Name: x\n{headers}".encode()) == (None, note)


def test_a_licence_that_is_a_whole_text_is_not_certain() -> None:
    expression, note = spdx_license(b"Name: x\nLicense: " + b"a " * 5000 + b"\n")
    assert (expression, note) == (None, "none is stated")


def test_what_is_no_wheel_has_no_licence(tmp_path: Path) -> None:
    path = tmp_path / "x-1-py3-none-any.whl"
    path.write_bytes(b"no zip")
    assert spdx_license_of_wheel(path) == (None, "the wheel has no METADATA")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SPDX-License-Identifier: CC-BY-4.0\n", ("CC-BY-4.0", None)),
        ("# SPDX-License-Identifier: mit\r\n", ("MIT", None)),
        ("SPDX-License-Identifier: ours\n", (None, "stated as 'ours', which is no certain SPDX expression")),
        ("all rights reserved\n", (None, "data.jsonl.license has no SPDX-License-Identifier")),
    ],
)
def test_the_file_beside_a_dataset_says_its_licence(
    tmp_path: Path, text: str, found: tuple[str | None, str | None]
) -> None:
    (tmp_path / "data.jsonl.license").write_bytes(text.encode())
    assert dataset_license(tmp_path / "data.jsonl") == found


def test_a_link_beside_a_dataset_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("SPDX-License-Identifier: MIT\n", encoding="utf-8")
    (tmp_path / "data.jsonl.license").symlink_to("elsewhere")
    assert dataset_license(tmp_path / "data.jsonl") == (None, "none is stated")
