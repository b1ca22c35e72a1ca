"""Which options a recipe may set for which backend and method, and their defaults.

Owns the table. Standard library only: the plugins check a blueprint with it, the workers fill in defaults with it, so
both mean the same thing by the same name.

Invariant: an option that a method does not use is an error, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GROUP_SIZES = (16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class Option:
    """The default of an option and the values it may take."""

    default: Any
    allowed: tuple[Any, ...]


class UnknownOptionError(Exception):
    """A recipe sets what its method does not have. `option` is its name in Python, or `method`."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option
        self.message = message


OPTIONS: Mapping[str, Mapping[str, Mapping[str, Option]]] = {
    "onnxruntime": {
        "float32": {},
        "int8-dynamic": {},
        "int8-static": {},
        "int8-weight-only": {
            "group_size": Option(32, GROUP_SIZES),
            "symmetric": Option(True, (True,)),
            "embedding_bits": Option(8, (8, 32)),
        },
        # groups of 16 with zero points: cosine 0.982 on all-MiniLM-L6-v2, groups of 32 without them 0.970
        "int4-weight-only": {
            "group_size": Option(16, GROUP_SIZES),
            "symmetric": Option(False, (True, False)),
            "embedding_bits": Option(8, (8, 32)),
        },
    },
    "onnxruntime-genai": {
        "float32": {},
        "int8-weight-only": {
            "algorithm": Option("default", ("default", "rtn", "k-quant")),
            "group_size": Option(32, GROUP_SIZES),
            "symmetric": Option(True, (True,)),
            "embedding_bits": Option(8, (8, 32)),
        },
        "int4-weight-only": {
            "algorithm": Option("default", ("default", "rtn", "k-quant")),
            "group_size": Option(32, GROUP_SIZES),
            "symmetric": Option(True, (True, False)),
            "mixed_int8": Option(False, (True, False)),
            # None: 4 bits, one table shared with the output matrix
            "embedding_bits": Option(None, (None, 8, 32)),
        },
    },
}
_NAMES = {"group_size": "groupSize", "mixed_int8": "mixedInt8", "embedding_bits": "embeddingBits"}


def resolve(backend: str, method: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a method: the chosen ones (None counts as not chosen) over the defaults."""
    methods = OPTIONS[backend]
    if method not in methods:
        raise UnknownOptionError("method", f"{backend} does not do {method}, known are {', '.join(methods)}")
    table = methods[method]
    result = {name: option.default for name, option in table.items()}
    for name, value in chosen.items():
        if value is None:
            continue
        if name not in table:
            known = ", ".join(_NAMES.get(option, option) for option in table) or "none"
            raise UnknownOptionError(
                name, f"{method} with {backend} has no option {_NAMES.get(name, name)}, its options are: {known}"
            )
        if value not in table[name].allowed:
            allowed = ", ".join(str(item).lower() for item in table[name].allowed if item is not None)
            raise UnknownOptionError(
                name,
                f"{_NAMES.get(name, name)} is {str(value).lower()}, {method} with {backend} allows {allowed}",
            )
        result[name] = value
    _check_together(backend, method, result)
    return result


def _check_together(backend: str, method: str, options: Mapping[str, Any]) -> None:
    """Combinations that build and do not load, or that the quantiser takes and ignores."""
    if backend != "onnxruntime-genai" or method != "int4-weight-only":
        return
    if options["symmetric"] is False and options["embedding_bits"] is None:
        raise UnknownOptionError(
            "symmetric",
            "symmetric false with a shared 4-bit embedding builds a model that does not load: set embeddingBits",
        )


def bits_per_weight(method: str, options: Mapping[str, Any]) -> float:
    """Average bits of a quantised weight with its scales (and zero points): an estimate before any build.

    A float32 scale a group, and a zero point of the weight's own width when not symmetric. Per-channel int8 has one
    scale a column, which vanishes against its rows.
    """
    if method == "float32":
        return 32.0
    if method in ("int8-dynamic", "int8-static"):
        return 8.0
    bits = 8 if method == "int8-weight-only" else 4
    per_group = 32 + (0 if options.get("symmetric", True) else bits)
    return bits + per_group / float(options["group_size"])
