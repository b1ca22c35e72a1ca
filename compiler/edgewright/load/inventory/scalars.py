"""Scalars of inventories: text to values, as Ansible takes them.

Inventories belong to Ansible, which reads YAML 1.1: `yes` is true, `012` is ten and `12:30` is 750, unlike in the
documents of edgewright. In INI files a value is a Python literal if it is one, and text if not. Pure.
"""

from __future__ import annotations

import ast
import re
import warnings
from datetime import date
from typing import Any

import yaml

_LONGEST_NUMBER = 64
_LONGEST_LITERAL = 4096
_JSON_WORDS = {"true": True, "false": False, "null": None}
_TEXT = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*|[0-9]+(?:\.[0-9]+){2,3}")
_WORDS = {"True": True, "False": False, "None": None}
_RESOLVERS = yaml.resolver.Resolver.yaml_implicit_resolvers


class Scalars:
    """Plain scalars of one reading; each text is resolved once."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._constructor = yaml.constructor.SafeConstructor()

    def plain(self, text: str) -> Any:
        """The value of a plain (unquoted) YAML scalar."""
        if text[:1] not in _RESOLVERS or len(text) > _LONGEST_NUMBER or text.count(".") > 1:
            return text  # no number, date or word of YAML has two dots: addresses need no closer look
        try:
            return self._known[text]
        except KeyError:
            value = self._known[text] = self._resolve(text)
            return value

    def _resolve(self, text: str) -> Any:
        for tag, form in _RESOLVERS.get(text[:1], ()):
            if form.match(text) is None:
                continue
            if tag in ("tag:yaml.org,2002:value", "tag:yaml.org,2002:merge"):
                return text
            try:
                value = self._constructor.construct_object(yaml.ScalarNode(tag, text))
            except ValueError:
                return text  # a date that no calendar has
            return value.isoformat() if isinstance(value, date) else value
        return text


def json_scalar(text: str) -> Any:
    """The value of an unquoted scalar of a JSON file."""
    if text in _JSON_WORDS:
        return _JSON_WORDS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    return float(text) if any(mark in text for mark in ".eE") else int(text)


def ini_value(text: str) -> Any:
    """The value of `key=value` in an INI file."""
    if text in _WORDS:
        return _WORDS[text]
    if _TEXT.fullmatch(text):
        return text
    if len(text) > _LONGEST_LITERAL:
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return _as_json(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return text


def _as_json(value: Any) -> Any:
    if isinstance(value, list | tuple | set):
        return [_as_json(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _as_json(entry) for key, entry in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, complex):
        return str(value)
    return "..." if value is ... else value
