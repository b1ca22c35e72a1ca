"""Finds the data that ships with edgewright: profiles, playbooks, policies, schemas.

In an installed wheel they lie in `edgewright/_share`; in a checkout, beside `compiler/`.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

import edgewright

_PACKAGE = Path(edgewright.__file__).resolve().parent


def package_folder() -> Path:
    """Folder of the import package."""
    return _PACKAGE


def share_folder() -> Path:
    """Folder that holds `targets/`, `playbooks/` and `blueprints/`."""
    installed = _PACKAGE / "_share"
    return installed if installed.is_dir() else _PACKAGE.parents[1]


def cache_folder() -> Path:
    """Per-user cache for environments, downloads and the store; `EDGEWRIGHT_CACHE` moves it."""
    override = os.environ.get("EDGEWRIGHT_CACHE")
    if override:
        return Path(override).expanduser().resolve()
    return Path(platformdirs.user_cache_dir("edgewright"))
