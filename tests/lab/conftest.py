"""The lab for this folder's tests: brought up once and always removed; skipped with a reason where impossible."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.lab.harness import preconditions
from tests.lab.harness.host import Host, HostSpec
from tests.lab.harness.lab import Lab

SHOPS = tuple(f"shop-{number:02}" for number in range(1, 6))
KIOSK = "kiosk-01"


@pytest.fixture(scope="session", autouse=True)
def possible() -> None:
    obstacle = preconditions.obstacle()
    if obstacle and preconditions.is_required():
        pytest.fail(f"CI runs as root, so the lab must run: {obstacle}", pytrace=False)
    if obstacle:
        pytest.skip(obstacle)


@pytest.fixture(scope="session")
def lab(possible: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Five amd64 hosts and one arm64 host, up."""
    with Lab(tmp_path_factory.mktemp("lab") / "hosts") as made:
        for name in SHOPS:
            made.add(HostSpec(name))
        made.add(HostSpec(KIOSK, architecture="arm64"))
        made.start()
        yield made


@pytest.fixture(scope="session", params=[SHOPS[0], KIOSK], ids=["amd64", "arm64"])
def host(lab: Lab, request: pytest.FixtureRequest) -> Host:
    """A host of either architecture; leave it as it was."""
    return lab.host(request.param)


@pytest.fixture
def victim(lab: Lab) -> Iterator[Host]:
    """An amd64 host for faults; afterwards it gets a new disk."""
    chosen = lab.host(SHOPS[-1])
    yield chosen
    lab.reset([chosen])
