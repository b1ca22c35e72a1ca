"""Units at the border of the language: sizes, durations, percentages, release versions.

`512MiB` is binary and `512MB` is decimal, as in IEC 80000-13. Values are kept in bytes, seconds and fractions.
"""

from __future__ import annotations

import re

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)")
_SIZE_FACTORS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_DURATION_FACTORS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_POWER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(mW|W|kW)")
_POWER_FACTORS = {"mW": 0.001, "W": 1.0, "kW": 1000.0}
_BANDWIDTH = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(MB|GB|TB|MiB|GiB|TiB)/s")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)%")
_VERSION = re.compile(r"(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})")


def parse_size(text: str) -> int:
    """Bytes of `512MiB`, `1.5GB`; raises ValueError with the accepted forms."""
    match = _SIZE.fullmatch(text)
    if match is None or len(text) > 32:
        raise ValueError(f"{text[:40]!r} is not a size: write a number and a unit, such as 512MiB or 512MB")
    return round(float(match[1]) * _SIZE_FACTORS[match[2]])


def parse_duration(text: str) -> float:
    """Seconds of `90s`, `10m`, `250ms`; raises ValueError with the accepted forms."""
    match = _DURATION.fullmatch(text)
    if match is None or len(text) > 32:
        raise ValueError(f"{text[:40]!r} is not a duration: write a number and a unit, such as 90s, 10m or 2h")
    return float(match[1]) * _DURATION_FACTORS[match[2]]


def parse_power(text: str) -> float:
    """Watts of `15W`, `1.2kW`; raises ValueError with the accepted forms."""
    match = _POWER.fullmatch(text)
    if match is None or len(text) > 32:
        raise ValueError(f"{text[:40]!r} is not a power: write a number and a unit, such as 15W")
    return float(match[1]) * _POWER_FACTORS[match[2]]


def parse_bandwidth(text: str) -> float:
    """GB/s, 10^9 bytes a second, of `28GB/s`, `900MB/s`; raises ValueError with the accepted forms."""
    match = _BANDWIDTH.fullmatch(text)
    if match is None or len(text) > 32:
        raise ValueError(f"{text[:40]!r} is not a bandwidth: write a number and a unit, such as 28GB/s")
    return float(match[1]) if match[2] == "GB" else float(match[1]) * _SIZE_FACTORS[match[2]] / 1e9


def parse_percent(text: str) -> float:
    """Fraction between 0 and 1 of `10%`."""
    match = _PERCENT.fullmatch(text)
    if match is None or len(text) > 32 or float(match[1]) > 100:
        raise ValueError(f"{text[:40]!r} is not a percentage: write a number from 0 to 100 and %, such as 10%")
    return float(match[1]) / 100.0


def release_number(version: str) -> int:
    """The monotonic release number of a version: `1.4.0` is 1,004,000. Each part has at most three digits."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"{version[:40]!r} is not a version: write three numbers below 1000, such as 1.4.0")
    major, minor, patch = (int(part) for part in match.groups())
    return major * 1_000_000 + minor * 1_000 + patch


def version_of(release: int | None) -> str:
    """The version of a release number: `1.4.0` of 1,004,000; a dash for none."""
    if release is None:
        return "-"
    return f"{release // 1_000_000}.{release // 1000 % 1000}.{release % 1000}"


def format_size(size_bytes: float) -> str:
    """A size for people: `1.9 GiB`."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def format_duration(seconds: float) -> str:
    """A duration for people: `430 ms`, `12.3 s`, `4 min 10 s`."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"
