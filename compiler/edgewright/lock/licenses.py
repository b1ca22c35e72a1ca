"""Licences of datasets: what a file beside one says, in the form of the REUSE specification.

`questions.jsonl.license` holds a line `SPDX-License-Identifier: CC-BY-4.0`. Must not know what is allowed.
"""

from __future__ import annotations

import re
from pathlib import Path

from edgewright.kernel.files import read_bounded

_LARGEST_BYTES = 64 * 1024
_TAG = re.compile(r"^[ \t#*/-]*SPDX-License-Identifier:[ \t]*(\S[^\r\n]{0,199}?)[ \t\r]*$", re.MULTILINE)


def dataset_license(dataset: Path) -> tuple[str | None, str | None]:
    """The SPDX expression of a dataset, or None and why none is known."""
    beside = dataset.with_name(dataset.name + ".license")
    if beside.is_symlink() or not beside.is_file():
        return None, "none is stated"
    # most datasets have no such file, and whoever compiles does not wait for what reads wheels
    from edgewright.plugins.wheel_metadata import license_note, spdx_expression  # noqa: PLC0415

    found = _TAG.search(read_bounded(beside, _LARGEST_BYTES).decode(errors="replace"))
    if found is None:
        return None, f"{beside.name} has no SPDX-License-Identifier"
    stated = found[1].strip()
    expression = spdx_expression(stated)
    return (expression, None) if expression is not None else (None, license_note(stated))
