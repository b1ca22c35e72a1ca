"""What a wheel says about itself in its METADATA. Read as data: nothing of the wheel is imported."""

from __future__ import annotations

import zipfile
from email.parser import BytesHeaderParser
from pathlib import Path

_LARGEST_METADATA_BYTES = 4 << 20
_LONGEST_LICENSE = 80


def is_metadata(name: str) -> bool:
    """Tell whether a member of a wheel is its METADATA."""
    return name.endswith(".dist-info/METADATA") and name.count("/") == 1


def stated_license(metadata: bytes) -> str | None:
    """The licence in METADATA: `License-Expression` (PEP 639), else a `License` of one short line."""
    headers = BytesHeaderParser().parsebytes(metadata[:_LARGEST_METADATA_BYTES])
    for key in ("License-Expression", "License"):
        value = str(headers.get(key, "")).strip()
        if value and "\n" not in value and len(value) <= _LONGEST_LICENSE:
            return value
    return None


def license_of_wheel(path: Path) -> str | None:
    """The licence that a wheel file states, None when it states none or cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if is_metadata(info.filename) and info.file_size <= _LARGEST_METADATA_BYTES:
                    return stated_license(archive.read(info))
    except zipfile.BadZipFile:
        return None
    return None
