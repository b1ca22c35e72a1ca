"""Pins are exact, and an environment's identity follows from them."""

from __future__ import annotations

import pytest

from edgewright.plugins.identity import environment_fingerprint, pins

NAMES = ("onnx", "genai", "tvm")


@pytest.mark.parametrize("name", NAMES)
def test_every_package_of_an_environment_is_pinned(name: str) -> None:
    found = pins(name)
    assert found
    assert all(version and version[0].isdigit() for version in found.values())


def test_environments_differ() -> None:
    assert len({environment_fingerprint(name) for name in NAMES}) == len(NAMES)


def test_onnx_and_genai_cannot_be_one() -> None:
    assert pins("onnx")["transformers"].startswith("4.")
    assert pins("genai")["transformers"].startswith("5.")
