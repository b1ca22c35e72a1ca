"""Text from a stream of token ids: whole characters only, and stop words honoured.

Owns the incremental detokenizer. Invariants: the pieces given out, joined, are the decoded text up to the stop word;
nothing that might be the beginning of a stop word or half a character is given out early.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

REPLACEMENT = "\ufffd"
WINDOW = 8
"""Tokens kept as left context: enough for tokenizers that decide about a space by what came before."""


class StopText:
    """Feed tokens, take pieces."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str]) -> None:
        self._decode = decode
        self._stops = tuple(stops)
        self._context: list[int] = []
        self._fresh: list[int] = []
        self._held = ""
        self.is_stopped = False

    def add(self, token: int) -> str:
        """The text that is certain after one more token; may be empty."""
        self._fresh.append(token)
        before = self._decode(self._context) if self._context else ""
        text = self._decode([*self._context, *self._fresh])
        if text.endswith(REPLACEMENT):
            return ""
        new = text[len(before) :]
        self._context = [*self._context, *self._fresh][-WINDOW:]
        self._fresh = []
        return self._release(new)

    def finish(self) -> str:
        """What was held back, at the end of the stream."""
        if self.is_stopped:
            return ""
        before = self._decode(self._context) if self._context else ""
        rest = self._decode([*self._context, *self._fresh])[len(before) :] if self._fresh else ""
        self._fresh = []
        out = self._release(rest) if rest else ""
        if not self.is_stopped:
            out, self._held = out + self._held, ""
        return out

    def _release(self, new: str) -> str:
        self._held += new
        found = [place for place in (self._held.find(stop) for stop in self._stops) if place >= 0]
        if found:
            self.is_stopped = True
            out, self._held = self._held[: min(found)], ""
            return out
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        cut = len(self._held) - keep
        out, self._held = self._held[:cut], self._held[cut:]
        return out


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if stop.startswith(text[-n:])), 0)
