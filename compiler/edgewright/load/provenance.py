"""Provenance: a whole document, defaults included, with the place that every leaf comes from.

Pure. What was written is shown as it was written, in the newest version's shape; a default is shown as one would write
it. Invariant: the leaves are those of the validated document, so nothing is shown that the compiler does not use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edgewright.kernel.diagnostics import Span
from edgewright.load.documents import Loaded
from edgewright.load.places import Path
from edgewright.spec.base import Model
from edgewright.spec.schemas import with_unit

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value without parts. `span` is where it is written; of a default, where something took its key away, if so."""

    path: Path
    value: Any
    span: Span | None
    is_default: bool


def leaves(loaded: Loaded[Any]) -> Iterator[Leaf]:
    """The leaves of a document in the order of its model."""
    return _of_model(loaded, loaded.document, loaded.value, ())


def _of_model(loaded: Loaded[Any], model: Model, written: Any, path: Path) -> Iterator[Leaf]:
    for name, field in type(model).model_fields.items():
        key = field.alias or name
        found = written.get(key, _MISSING) if isinstance(written, dict) else _MISSING
        here = (*path, key)
        value = getattr(model, name)
        if found is not _MISSING:
            yield from _written(loaded, value, found, here)
        elif isinstance(value, Model):
            yield from _of_model(loaded, value, _MISSING, here)
        elif value not in (None, (), {}):
            extra = field.json_schema_extra
            examples = extra.get("examples") if isinstance(extra, dict) else None
            example = examples[0] if isinstance(examples, list) and examples else None
            shown = with_unit(value, str(example)) if example is not None else value
            yield Leaf(here, shown, loaded.spans.values.get(here), is_default=True)


def _written(loaded: Loaded[Any], value: Any, found: Any, path: Path) -> Iterator[Leaf]:
    """The leaves of what was written; models among them have defaults of their own."""
    if isinstance(value, Model) and isinstance(found, dict):
        yield from _of_model(loaded, value, found, path)
    elif isinstance(found, dict) and found:
        inner = value if isinstance(value, dict) else {}
        for key, item in found.items():
            yield from _written(loaded, inner.get(key), item, (*path, key))
    elif isinstance(found, list) and found:
        parts = value if isinstance(value, tuple) and len(value) == len(found) else (None,) * len(found)
        for index, item in enumerate(found):
            yield from _written(loaded, parts[index], item, (*path, index))
    else:
        yield Leaf(path, found, loaded.spans.span(path), is_default=False)
