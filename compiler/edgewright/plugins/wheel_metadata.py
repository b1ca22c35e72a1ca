"""What a wheel says about itself in its METADATA. Read as data: nothing of the wheel is imported."""

from __future__ import annotations

import zipfile
from email.parser import BytesHeaderParser
from pathlib import Path

_LARGEST_METADATA_BYTES = 4 << 20
_LONGEST_LICENSE = 80
_LONGEST_NOTE = 100
_NAMED = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "mit license": "MIT",
    "the mit license": "MIT",
}
"""Names that mean one licence and no other. "BSD" and "Apache" are not among them: there are several."""
_CLASSIFIED = {
    "License :: OSI Approved :: GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
    "License :: OSI Approved :: The Unlicense (Unlicense)": "Unlicense",
}
"""Classifiers that name one licence. `Apache Software License` does not say which version."""


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


def spdx_license(metadata: bytes) -> tuple[str | None, str | None]:
    """The licence in METADATA as an SPDX expression where that is certain; else None and what is stated instead."""
    headers = BytesHeaderParser().parsebytes(metadata[:_LARGEST_METADATA_BYTES])
    stated = stated_license(metadata)
    if stated is not None:
        expression = spdx_expression(stated)
        if expression is not None:
            return expression, None
    classified = [str(c) for c in headers.get_all("Classifier", []) if str(c).startswith("License ::")]
    known = {_CLASSIFIED.get(classifier) for classifier in classified}
    if len(known) == 1 and None not in known:
        return known.pop(), None
    said = [*([stated] if stated else []), *(c.rpartition(" :: ")[2] for c in classified)]
    return None, license_note(", ".join(said))


def spdx_expression(stated: str) -> str | None:
    """A stated licence as an SPDX expression, None when it is not certain which one is meant."""
    # a table of all licences is loaded: only who locks waits for it
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression  # noqa: PLC0415

    try:
        return str(canonicalize_license_expression(_NAMED.get(stated.lower(), stated)))
    except InvalidLicenseExpression:
        return None


def license_note(stated: str) -> str:
    """Why no licence is known for certain, in a line."""
    plain = "".join(c if c.isprintable() else " " for c in stated)[:_LONGEST_NOTE]
    return f"stated as {plain!r}, which is no certain SPDX expression" if plain else "none is stated"


def spdx_license_of_wheel(path: Path) -> tuple[str | None, str | None]:
    """The licence that a wheel file states, as `spdx_license` says it."""
    metadata = _metadata(path)
    return spdx_license(metadata) if metadata is not None else (None, "the wheel has no METADATA")


def license_of_wheel(path: Path) -> str | None:
    """The licence that a wheel file states, None when it states none or cannot be read."""
    metadata = _metadata(path)
    return stated_license(metadata) if metadata is not None else None


def _metadata(path: Path) -> bytes | None:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if is_metadata(info.filename) and info.file_size <= _LARGEST_METADATA_BYTES:
                    return archive.read(info)
    except zipfile.BadZipFile:
        return None
    return None
