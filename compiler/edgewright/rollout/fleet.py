"""Selection: which devices of a fleet a command is about.

Pure. Where devices come from is in `load.fleet`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from edgewright.kernel.diagnostics import ExitCode, did_you_mean, fail
from edgewright.load.fleet import resolve_devices
from edgewright.spec.v1beta1.fleet import Device

__all__ = ["resolve_devices", "select_devices"]


def select_devices(devices: Sequence[Device], selectors: Sequence[str]) -> tuple[Device, ...]:
    """Devices by `name-glob`, `@site`, `target=name` or `label=value`; separated by commas, all alternatives."""
    words = [word.strip() for selector in selectors for word in selector.split(",") if word.strip()]
    if not selectors:
        return tuple(devices)
    if not words:  # a variable that is not set must not mean every device
        raise fail(
            "no-such-device",
            "the selector of devices is empty",
            exit_code=ExitCode.USAGE,
            hint="leave --on out for all devices of the fleet",
        )
    chosen: dict[str, Device] = {}
    for word in words:
        matching = [device for device in devices if _matches(device, word)]
        if not matching:
            raise fail(
                "no-such-device",
                f"no device matches {word!r}",
                exit_code=ExitCode.USAGE,
                subject=word,
                hint=did_you_mean(word, [device.name for device in devices][:50]),
            )
        chosen |= {device.name: device for device in matching}
    return tuple(device for device in devices if device.name in chosen)


def _matches(device: Device, word: str) -> bool:
    if word.startswith("@"):
        return fnmatch.fnmatchcase(device.site, word[1:])
    key, equals, value = word.partition("=")
    if equals:
        found = device.target if key == "target" else device.labels.get(key)
        return found is not None and fnmatch.fnmatchcase(found, value)
    return fnmatch.fnmatchcase(device.name, word)
