"""Places: where the results and the ledger of a repository lie. Those of an environment have folders of their own."""

from __future__ import annotations

from pathlib import Path


def dist_folder(root: Path, blueprint: str, environment: str | None = None) -> Path:
    """`dist/<blueprint>`, or `dist/<environment>/<blueprint>`."""
    return root / "dist" / (environment or "") / blueprint


def ledger_file(root: Path, environment: str | None = None) -> Path:
    """`.edgewright/ledger.db`, or `.edgewright/<environment>/ledger.db`."""
    return root / ".edgewright" / (environment or "") / "ledger.db"
