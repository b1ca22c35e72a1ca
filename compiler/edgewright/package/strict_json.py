"""Reading JSON that somebody else may have written: no duplicate keys, no NaN, no deep nesting.

Two readers that disagree about a document let one thing be signed and another be used; so what is unclear is refused.
"""

from __future__ import annotations

import json
from typing import Any

from edgewright.kernel.diagnostics import fail


class _UnclearError(ValueError):
    pass


def parse_object(data: bytes, name: str, slug: str) -> dict[str, Any]:
    """The JSON object in `data`, or a diagnostic with `slug`."""
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise fail(slug, f"{name} cannot be read as JSON: {str(error)[:200]}", subject=name) from None
    if not isinstance(document, dict):
        raise fail(slug, f"{name} is not a JSON object", subject=name)
    return document


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _UnclearError("a key occurs twice")
    return document


def _no_constant(name: str) -> Any:
    raise _UnclearError(f"{name} is not JSON")
