"""A target's CPU features are written as LLVM reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from edgewright.check.rule import error_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic

_FORM = re.compile(r"[+-][a-z0-9][a-z0-9._-]{0,62}")


def check(whole: Whole) -> Iterator[Diagnostic]:
    """Each feature starts with + or -; anything else would be dropped, or be read as something else."""
    for name, loaded in whole.own_targets:
        for position, feature in enumerate(loaded.document.spec.isa.features):
            if _FORM.fullmatch(feature) is None:
                message = f"{name} has the CPU feature {feature[:80]!r}; + or - and lower-case letters are needed"
                hint = f'write "+{feature}"' if _FORM.fullmatch(f"+{feature}") else "such as +neon or -avx512f"
                path = ("spec", "isa", "features", position)
                yield error_at(loaded, "target-feature", message, path, hint=hint)
