"""Numbers of a plan. Invariant: each says whether it was estimated, measured or declared, and by or from what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NumberKind = Literal["estimated", "measured", "declared"]


@dataclass(frozen=True, slots=True)
class Number:
    """A number, its unit (`B`, `s`, `tokens/s`, empty for a ratio), and where it comes from."""

    value: float
    unit: str
    kind: NumberKind
    origin: str
