"""The roster reads like a dictionary that is copied for every change, and costs far less."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgewright.rollout.roster import DeviceState, Roster, Status

_NAMES = [f"d{number}" for number in range(300)]
_STATES = st.builds(DeviceState, st.sampled_from(Status), st.booleans())
_CHANGES = st.lists(st.dictionaries(st.sampled_from(_NAMES), _STATES, max_size=5), max_size=8)


@given(_CHANGES, st.sets(st.sampled_from(Status)))
def test_roster_says_what_a_dictionary_would(changes: list[dict[str, DeviceState]], wanted: set[Status]) -> None:
    plain = dict.fromkeys(_NAMES, DeviceState(Status.PENDING))
    first = roster = Roster.of(plain)
    for change in changes:
        before, roster = roster, roster.changed(change)
        after = plain | change
        assert list(roster.since(before)) == [name for name in _NAMES if after[name].status != plain[name].status]
        plain = after
    assert list(roster.items()) == list(plain.items())
    assert list(roster.named(*wanted)) == [name for name, device in plain.items() if device.status in wanted]
    assert roster.failures == sum(device.is_failure for device in plain.values())
    assert set(first.values()) == {DeviceState(Status.PENDING)}, "a change reached the roster it was made from"


def test_change_of_one_device_copies_one_shard_of_many() -> None:
    roster = Roster.of({f"d{number}": DeviceState(Status.PENDING) for number in range(4000)})
    changed = roster.changed({"d2000": DeviceState(Status.FAILED, is_failure=True)})
    shared = [old is new for old, new in zip(roster._shards, changed._shards, strict=True)]
    assert (len(shared), shared.count(False)) == (63, 1)
