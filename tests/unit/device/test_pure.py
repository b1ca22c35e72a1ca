"""The parts of the device that need no process: time, words, text, tolerance, units, documents."""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgewright.device
from edgewright.device.artifact import canonical_architecture
from edgewright.device.documents import parse_object
from edgewright.device.health import judge, refusal_of
from edgewright.device.options import Gate
from edgewright.device.refusal import Refusal
from edgewright.device.release import check_path, release_number
from edgewright.device.runtimes.tokenizer import cut_ids
from edgewright.device.service.api import ApiError, parse_chat
from edgewright.device.service.selftest import check_generation, read_tolerance
from edgewright.device.service.text import StopText
from edgewright.device.state import Activation, State, remaining_s, word
from edgewright.device.units import UnitValues, unit_texts

PACKAGE = Path(edgewright.device.__file__).parent


def _active(**changes: Any) -> Activation:
    values = {"release": 2, "previous": 1, "at_wall": 1000.0, "at_monotonic": 50.0, "timeout_s": 60.0, "boot_id": "a"}
    return Activation(**{**values, **changes})


def test_within_one_boot_only_the_monotonic_clock_counts() -> None:
    assert remaining_s(_active(), now_wall=9e9, now_monotonic=60.0, boot="a") == 50.0
    assert remaining_s(_active(), now_wall=0.0, now_monotonic=110.0, boot="a") == 0.0


def test_after_a_reboot_the_wall_clock_counts_and_a_lost_clock_is_overdue() -> None:
    assert remaining_s(_active(), now_wall=1010.0, now_monotonic=1.0, boot="b") == 50.0
    assert remaining_s(_active(), now_wall=1061.0, now_monotonic=1.0, boot="b") == 0.0
    assert remaining_s(_active(), now_wall=3.0, now_monotonic=1.0, boot="b") == 0.0
    assert remaining_s(_active(boot_id=""), now_wall=3.0, now_monotonic=55.0, boot="") == 0.0


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.sampled_from(["a", "b", ""]))
def test_the_time_left_is_never_more_than_was_given(wall: float, monotonic: float, boot: str) -> None:
    assert 0.0 <= remaining_s(_active(), wall, monotonic, boot) <= 60.0


def test_one_word_for_every_state() -> None:
    assert word(State(), None) == "idle"
    assert word(State(), 1) == "confirmed"
    assert word(State(fetching=2), 1) == "fetching"
    assert word(State(staged=2), 1) == "staged"
    assert word(State(active=_active()), 1) == "active-unconfirmed"
    assert word(State(reverted={"from": 2}), 1) == "reverted"


def test_a_gate_not_measured_is_red_and_numbers_are_named() -> None:
    gates = (Gate("latency_p95", 0.5, None), Gate("decode_rate", None, 8.0), Gate("peak_memory", 1e6, None))
    measured = {"latency_p95": {"value": 0.5}, "decode_rate": {"value": 7.5}, "peak_memory": {"value": math.nan}}
    assert [v["verdict"] for v in judge(gates, measured)] == ["pass", "fail", "inconclusive"]
    refusal = refusal_of(judge(gates[:2], measured))
    assert refusal is not None
    assert refusal.slug == "decode-rate-missed"
    assert "7.5 tokens/s" in refusal.message
    assert "at least 8 is allowed" in refusal.message
    assert refusal_of(judge(gates[:1], measured)) is None


@pytest.mark.parametrize(
    ("name", "canonical"),
    [("x86_64", "x86-64"), ("x86-64-v3", "x86-64"), ("arm64", "aarch64"), ("riscv64", "riscv64"), ("vax", None)],
)
def test_architectures_have_one_name(name: str, canonical: str | None) -> None:
    assert canonical_architecture(name) == canonical


@given(st.integers(0, 999_999), st.integers(0, 999), st.integers(0, 999))
def test_release_numbers_order_like_versions(major: int, minor: int, patch: int) -> None:
    number = release_number(f"{major}.{minor}.{patch}")
    assert divmod(number, 1_000_000)[0] == major
    assert release_number(f"{major + 1}.0.0" if major < 999_999 else "999999.999.999") >= number


@given(st.text(max_size=60))
def test_a_path_is_refused_or_stays_below_its_folder(path: str) -> None:
    try:
        accepted = check_path(path)
    except Refusal:
        return
    parts = accepted.split("/")
    assert parts[0] in ("artifact", "wheels", "agent")
    assert not {"", ".", ".."} & set(parts)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"a": NaN}', "[1]", "", "{", "[" * 200_000])
def test_a_document_that_is_not_plain_json_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        parse_object(text.encode(), "x.json", "x-invalid")


VALUES: dict[str, Any] = {
    "blueprint": "demo",
    "root": "/opt/edgewright/demo",
    "python": "/usr/bin/python3",
    "agent": "/opt/edgewright/demo/agent/a.pyz",
    "host": "0.0.0.0",
    "port": 8080,
    "threads": 2,
    "memory_max_bytes": 1 << 30,
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("root", "/opt/a b"),
        ("root", "/opt/a\nExecStartPre=/bin/evil"),
        ("root", "/opt/%h"),
        ("agent", "relative.pyz"),
        ("python", "/usr/bin/python3;x"),
        ("blueprint", "Demo"),
        ("blueprint", "a/b"),
        ("host", "0.0.0.0:1 x"),
    ],
)
def test_a_value_that_would_need_quoting_never_reaches_a_unit(key: str, value: str) -> None:
    with pytest.raises(Refusal, match="cannot stand in a systemd unit"):
        UnitValues(**{**VALUES, key: value})


def test_the_service_unit_has_no_network_and_no_privileges() -> None:
    texts = unit_texts(UnitValues(**VALUES), 225.0)
    service = texts["edgewright-demo.service"].splitlines()
    for line in (
        "DynamicUser=yes",
        "PrivateNetwork=yes",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "RestrictAddressFamilies=AF_UNIX",
        "MemoryMax=1073741824",
        "ConditionPathExists=/opt/edgewright/demo/current",
    ):
        assert line in service
    assert "ListenStream=0.0.0.0:8080" in texts["edgewright-demo.socket"]
    assert "OnActiveSec=225.000s" in texts["edgewright-demo-revert.timer"]
    six = unit_texts(UnitValues(**{**VALUES, "host": "::1", "memory_max_bytes": None}), 1.0)
    assert "ListenStream=[::1]:8080" in six["edgewright-demo.socket"]
    assert "MemoryMax" not in six["edgewright-demo.service"]


def _letters(ids: Sequence[int]) -> str:
    """A tokenizer of UTF-8 bytes: half a character decodes to the replacement character, like real ones."""
    return bytes(ids).decode("utf-8", "replace")


@given(st.text(max_size=40))
def test_pieces_join_to_the_text_and_never_hold_half_a_character(text: str) -> None:
    stream = StopText(_letters, [])
    pieces = [stream.add(byte) for byte in text.encode()]
    pieces.append(stream.finish())
    if "\ufffd" not in text:
        assert all("\ufffd" not in piece for piece in pieces)
    assert "".join(pieces) == text


@given(st.text("abc", max_size=30), st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3))
def test_a_stop_word_ends_the_text_before_it(text: str, stops: list[str]) -> None:
    stream, out = StopText(_letters, stops), ""
    for byte in text.encode():
        out += stream.add(byte)
        if stream.is_stopped:
            break
    out += stream.finish()
    places = [text.find(stop) for stop in stops if stop in text]
    assert not any(stop in out for stop in stops)
    assert text.startswith(out)
    if not places:
        assert out == text


def test_a_text_is_cut_before_the_tokens_that_close_it() -> None:
    ids = [1, 7, 8, 9, 2, 2]
    assert cut_ids(ids, [1, 0, 0, 0, 0, 1], 4) == [1, 7, 8, 2]  # the first 2 is in the text itself
    assert cut_ids(ids, [0, 0, 0, 0, 1, 1], 4) == [1, 7, 2, 2]
    assert cut_ids(ids, [0] * 6, 4) == [1, 7, 8, 9]
    assert cut_ids(ids, [1, 0, 0, 0, 0, 1], 6) == ids
    assert cut_ids(ids, [0, 0, 0, 0, 1, 1], 2) == [2, 2]
    assert cut_ids(ids, [0, 0, 0, 0, 1, 1], 1) == [1]


class _Generation:
    """A stand-in for a framework: fixed logits, greedy tokens that follow from them."""

    task = "text-generation"
    vocab_size, context, eos_token_ids = 4, 64, (3,)

    def __init__(self, steps: list[list[float]]) -> None:
        self._steps = steps

    def next_logits(self, ids: Sequence[int]) -> Sequence[float]:
        return self._steps[len(ids) - 1]

    def generate(self, ids: Sequence[int], max_tokens: int, **options: Any) -> Iterator[int]:
        del options
        for step in range(max_tokens):
            logits = self._steps[len(ids) - 1 + step]
            token = logits.index(max(logits))
            if token in self.eos_token_ids:
                return
            yield token


def _vector(**changes: Any) -> dict[str, Any]:
    base = {"input_ids": [0], "token_ids": [1, 2], "logits_top": [[1, 5.0], [2, 4.0]], "tolerance": {"max_abs": 0.1}}
    return {**base, **changes}


def test_the_same_logits_and_tokens_reproduce_the_vector() -> None:
    result = check_generation(_Generation([[0, 5.0, 4.0, 0], [0, 1.0, 6.0, 0]]), _vector())
    assert (result["ok"], result["tokens_agree"]) == (True, 2)


def test_another_token_is_accepted_only_in_a_near_tie() -> None:
    near = check_generation(_Generation([[0, 5.0, 4.0, 0], [0, 6.05, 6.0, 0]]), _vector())
    assert (near["ok"], near["tokens_agree"]) == (True, 1)
    far = check_generation(_Generation([[0, 5.0, 4.0, 0], [0, 9.0, 6.0, 0]]), _vector())
    assert far["ok"] is False
    assert "expected 2" in far["message"]


def test_a_first_logit_out_of_tolerance_is_a_mismatch() -> None:
    result = check_generation(_Generation([[0, 5.3, 4.0, 0], [0, 1.0, 6.0, 0]]), _vector())
    assert result["ok"] is False
    assert "0.3" in result["message"]


def test_a_tolerance_nobody_knows_is_malformed_not_ignored() -> None:
    assert read_tolerance({}, 0.5) == (0.5, None)
    assert read_tolerance({"tolerance": {"min_cosine": 0.9}}, 0.5) == (None, 0.9)
    with pytest.raises(ValueError, match="tolerance"):
        read_tolerance({"tolerance": {"about": 1}}, 0.5)


CHATS: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content"),
    ({"tools": [{"type": "function"}]}, "tools"),
    ({"n": 2}, "n"),
    ({"temperature": 3}, "temperature"),
    ({"top_p": -0.1}, "top_p"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"stop": ["a"] * 5}, "stop"),
    ({"stop": [""]}, "stop"),
    ({"stream": "yes"}, "stream"),
    ({"response_format": {"type": "json_object"}}, "response_format"),
    ({"frequency_penalty": 1}, "frequency_penalty"),
    ({"logprobs": True}, "logprobs"),
]


@pytest.mark.parametrize(("changes", "parameter"), CHATS)
def test_a_chat_request_this_service_cannot_do_is_an_error(changes: dict[str, Any], parameter: str) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **changes}
    with pytest.raises(ApiError) as caught:
        parse_chat(body)
    assert caught.value.parameter == parameter


def test_a_chat_request_has_defaults_that_can_be_repeated() -> None:
    request = parse_chat(
        {"model": "m", "messages": [{"role": "developer", "content": [{"type": "text", "text": "a"}]}]}
    )
    assert (request.temperature, request.stream, request.max_tokens) == (0.0, False, None)
    assert request.messages == ({"role": "system", "content": "a"},)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_device_module_is_python_3_9_and_imports_only_the_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    for node in tree.body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            top = name.partition(".")[0]
            assert name.startswith("edgewright.device") or top in sys.stdlib_module_names, f"{path}: {name}"


def test_modules_have_room_to_grow_and_say_what_they_own() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        assert len(text.splitlines()) <= 400, path
        assert ast.get_docstring(ast.parse(text)), path
