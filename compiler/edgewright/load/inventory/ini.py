"""The INI form of inventories: `[group]`, `[group:vars]`, `[group:children]`, and hosts with `key=value` behind them.

Reads line by line; a wrong line is reported at its place. Knows nothing of precedence.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

from edgewright.kernel.diagnostics import Span
from edgewright.load.inventory.events import Way, refusal
from edgewright.load.inventory.fragment import Fragment, WrongStatementError, expand_hosts, is_simple_host
from edgewright.load.inventory.scalars import ini_value

_SECTION = re.compile(r"\[([^\s:\]]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP = re.compile(r"([^\s:\]]+)\s*(?:#.*)?")
_NEEDS_SHELL_WORDS = re.compile(r"[\"'\\]|[^\x00-\x7f]")
_LONGEST_LINE = 65_536


def read_ini(text: str, name: str, is_wanted: Callable[[Way], bool] | None = None) -> Fragment:
    """The statements of an INI inventory; places are kept of the ways that `is_wanted` says."""
    reader = _Reader(name, is_wanted)
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in ";#":
            continue
        column = len(raw) - len(raw.lstrip()) + 1
        try:
            reader.line(line, Span(name, number, column, number, column + len(line)))
        except WrongStatementError as wrong:
            span = Span(name, number, column, number, column + len(line))
            raise refusal(wrong.slug, wrong.message, span, hint=wrong.hint) from None
    return reader.fragment


class _Reader:
    def __init__(self, name: str, is_wanted: Callable[[Way], bool] | None) -> None:
        self.fragment = Fragment()
        self._name = name
        self._is_wanted = is_wanted
        self._group, self._kind = "ungrouped", "hosts"
        self._declared: set[str] = set()

    def line(self, line: str, span: Span) -> None:
        if len(line) > _LONGEST_LINE:
            raise WrongStatementError(f"the line has {len(line):,} characters, {_LONGEST_LINE:,} allowed")
        section = _SECTION.fullmatch(line)
        if section is not None:
            self._begin(section[1], section[2] or "hosts", span)
        elif line.startswith("[") and line.endswith("]"):
            raise WrongStatementError(f"{line[:80]} is not a section", hint="write [group], without spaces")
        elif self._kind == "hosts":
            self._host(line, span)
        elif self._kind == "vars":
            key, equals, value = line.partition("=")
            if not equals:
                raise WrongStatementError(f"{line[:80]!r} is no variable", hint="write key=value")
            self._note(("group", self._group, key.strip()), span)
            self.fragment.set_group_variable(self._group, key.strip(), ini_value(value.strip()))
        else:
            child = _GROUP.fullmatch(line)
            if child is None:
                raise WrongStatementError(f"{line[:80]!r} is not the name of a group")
            self._ask(child[1], span)
            self.fragment.group(self._group).children[child[1]] = None

    def _begin(self, group: str, kind: str, span: Span) -> None:
        if kind not in ("hosts", "vars", "children"):
            hint = "a section is [group], [group:vars] or [group:children]"
            raise WrongStatementError(f"[{group}:{kind}] is not a section", hint=hint)
        self._group, self._kind = group, kind
        self.fragment.group(group)
        if kind == "vars":
            self._ask(group, span)
        else:
            self._declared.add(group)
            self.fragment.asked.pop(group, None)

    def _ask(self, group: str, span: Span) -> None:
        if group not in self._declared:
            self.fragment.asked.setdefault(group, span)

    def _host(self, line: str, span: Span) -> None:
        if _NEEDS_SHELL_WORDS.search(line):
            try:
                words = shlex.split(line, comments=True)
            except ValueError as error:
                raise WrongStatementError(f"the line cannot be split: {str(error).lower()}") from None
        else:
            words = line.partition("#")[0].split()
        if not words:
            return
        variables: dict[str, Any] = {}
        for word in words[1:]:
            key, equals, value = word.partition("=")
            if not equals:
                raise WrongStatementError(f"{word[:80]!r} after the host is no variable", hint="write key=value")
            variables[key] = ini_value(value)
        names, port = ([words[0]], None) if is_simple_host(words[0]) else expand_hosts(words[0])
        for name in names:
            self.fragment.add_host(name, self._group, variables, port)
            if self._is_wanted is not None:
                self._note(("host", name), span)
                for key in variables:
                    self._note(("host", name, key), _word_span(line, key, span))

    def _note(self, way: Way, span: Span) -> None:
        if self._is_wanted is not None and self._is_wanted(way):
            self.fragment.places[way] = span


def _word_span(line: str, key: str, span: Span) -> Span:
    at = line.find(f"{key}=")
    if at < 0:
        return span
    column = span.column + at
    return Span(span.path, span.line, column, span.line, column + len(key))
