"""The expressions of GitHub's workflows, as far as ours use them: names, text, operators, functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*')|(?P<name>[A-Za-z_][\w.-]*(?:\(\))?)|(?P<sign>==|!=|&&|\|\||!|\(|\)))")
_PLACE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def interpolate(value: Any, context: Mapping[str, Any]) -> str:
    """A value of `with`, `env` or `outputs` with its expressions filled in."""
    if not isinstance(value, str):
        return str(value)
    return _PLACE.sub(lambda place: _as_text(_Reader(place[1], context).read()), value)


def evaluate(condition: str, context: Mapping[str, Any]) -> bool:
    """What an `if:` says."""
    whole = re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", condition, re.DOTALL)
    return bool(_Reader(whole[1] if whole else condition, context).read())


def _as_text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


class _Reader:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str, context: Mapping[str, Any]) -> None:
        self._context = context
        self._tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            assert match is not None, f"not an expression this harness knows: {text[at:]!r}"
            self._tokens.append(match[0].strip())
            at = match.end()

    def read(self) -> Any:
        value = self._either()
        assert not self._tokens, self._tokens
        return value

    def _take(self, *wanted: str) -> str | None:
        return self._tokens.pop(0) if self._tokens and self._tokens[0] in wanted else None

    def _either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._take("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Any:
        value = self._one()
        sign = self._take("==", "!=")
        if sign is None:
            return value
        return (_as_text(value) == _as_text(self._one())) == (sign == "==")

    def _one(self) -> Any:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            value = self._either()
            assert self._take(")")
            return value
        token = self._tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1]
        if token.endswith("()"):
            functions = {"cancelled()": False, "always()": True, "success()": not self._context["job"]["is_failed"]}
            return functions[token]
        found: Any = self._context
        for part in token.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found
