"""The device agent as one file: a zip application of `edgewright.device`.

Owns its bytes. Invariant: the same sources give the same file on every machine: sorted names, one fixed time, one fixed
mode, and no compression, whose output depends on the zlib at hand.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from edgewright.kernel.files import iter_files
from edgewright.kernel.resources import package_folder

AGENT_NAME = "edgewright-agent.pyz"
_SHEBANG = b"#!/usr/bin/env python3\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ENTRY = b"""import sys

from edgewright.device.agent import main

sys.exit(main())
"""


def build_agent(package: Path | None = None) -> bytes:
    """The zip application; `package` is the folder of the import package, this one's by default."""
    content = io.BytesIO()
    content.write(_SHEBANG)
    with zipfile.ZipFile(content, "a", compression=zipfile.ZIP_STORED) as archive:
        for name, data in sorted(_sources(package or package_folder())):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, data)
    return content.getvalue()


def _sources(package: Path) -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", _ENTRY
    yield "edgewright/__init__.py", (package / "__init__.py").read_bytes()
    for name, path in iter_files(package / "device"):
        if "__pycache__" not in name.split("/") and not name.endswith((".pyc", ".pyo")):
            yield f"edgewright/device/{name}", path.read_bytes()
