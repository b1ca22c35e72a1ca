"""A target's CPU and features are of its architecture."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import error_at
from edgewright.check.whole import Whole
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.places import Path

_ARM, _X86, _RISCV = frozenset({"aarch64", "armv7"}), frozenset({"x86_64"}), frozenset({"riscv64"})
_Table = tuple[tuple[frozenset[str], tuple[str, ...]], ...]
_CPUS: _Table = (
    (_ARM, ("cortex-", "neoverse-", "apple-", "ampere", "a64fx", "kryo", "thunderx", "carmel", "exynos")),
    (_X86, ("x86-64", "haswell", "broadwell", "skylake", "icelake", "cascadelake", "znver", "gracemont", "alderlake")),
    (_RISCV, ("sifive-", "spacemit-", "thead-", "generic-rv", "rocket-", "xiangshan")),
)
_FEATURES: _Table = (
    (_X86, ("avx", "sse", "amx", "fma", "f16c", "bmi")),
    (_ARM, ("neon", "dotprod", "i8mm", "sve", "fullfp16")),
    (_RISCV, ("zv", "zba", "zbb")),
)


def check(whole: Whole) -> Iterator[Diagnostic]:
    """The well-known names of `isa.cpu` and `isa.features`; names that are not known here are not judged."""
    for name, loaded in whole.own_targets:
        spec = loaded.document.spec
        names: list[tuple[Path, str, _Table]] = [(("spec", "isa", "cpu"), spec.isa.cpu, _CPUS)]
        for position, feature in enumerate(spec.isa.features):
            names.append((("spec", "isa", "features", position), feature.lstrip("+-"), _FEATURES))
        for path, word, table in names:
            homes = next((homes for homes, starts in table if word.startswith(starts)), None)
            if homes is not None and spec.architecture not in homes:
                message = f"{name} is {spec.architecture}, {word} is of {' or '.join(sorted(homes))}"
                hint = "change the architecture or the isa: the compiler would refuse it, or make code that crashes"
                yield error_at(loaded, "target-isa-mismatch", message, path, hint=hint)
