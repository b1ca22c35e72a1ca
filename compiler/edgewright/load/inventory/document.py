"""The YAML and JSON form of inventories: groups with `hosts`, `vars` and `children`, as one nested mapping.

Owns what may stand where. Stricter than Ansible in one way: what Ansible skips with a warning is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.load.inventory.events import Places, Way
from edgewright.load.inventory.fragment import Fragment, WrongStatementError, expand_hosts, is_simple_host

_SECTIONS = ("vars", "children", "hosts")
_NONE: dict[str, Any] = {}


def read_document(document: Any, places: Places | None = None) -> Fragment:
    """The statements of an inventory document; `places` of its values go along."""
    if not isinstance(document, dict):
        raise WrongStatementError("an inventory is a mapping of groups", hint="start with all:, and hosts: below it")
    if document.get("plugin"):
        raise WrongStatementError(
            "this file is the options of an inventory plugin; check and plan run no plugin",
            way=("plugin",),
            slug="inventory-dynamic",
            hint="export it where it may run: ansible-inventory -i FILE --list --yaml --output hosts.yaml",
        )
    reader = _Reader(places)
    for name, body in document.items():
        reader.group(name, body, (name,))
    return reader.fragment


class _Reader:
    def __init__(self, places: Places | None) -> None:
        self.fragment = Fragment()
        self._places = places

    def _note(self, key: Way, way: Way) -> None:
        if self._places is not None and way in self._places:
            self.fragment.places[key] = self._places[way]

    def group(self, name: Any, body: Any, way: Way) -> None:
        if not isinstance(name, str) or not name:
            raise WrongStatementError(f"{name!r} is not the name of a group", way=way, hint="put it in quotes")
        self.fragment.group(name)
        if body is None:
            return
        if not isinstance(body, dict):
            hint = "a group has hosts:, vars: and children:"
            raise WrongStatementError(f"the group {name} is not a mapping", way=way, hint=hint)
        for key, section in body.items():
            if key not in _SECTIONS:
                hint = "a group has hosts:, vars: and children:; variables belong below vars:"
                message = f"{str(key)[:80]!r} is not a part of the group {name}"
                raise WrongStatementError(message, way=(*way, key), hint=hint)
            entries = {section: None} if isinstance(section, str) else section
            if isinstance(entries, dict):
                self._section(name, key, entries, (*way, key))
            elif entries is not None:
                hint = "write names as keys, each with a colon after it"
                raise WrongStatementError(f"{key} of {name} is not a mapping", way=(*way, key), hint=hint)

    def _section(self, group: str, key: str, entries: Mapping[Any, Any], way: Way) -> None:
        if key == "hosts":
            self._hosts(group, entries, way)
        elif key == "vars":
            self._variables(group, entries, way)
        else:
            for child, content in entries.items():
                self.group(child, content, (*way, child))
                self.fragment.group(group).children[child] = None

    def _variables(self, group: str, variables: Mapping[Any, Any], way: Way) -> None:
        for key, value in variables.items():
            self._require_name(key, (*way, key))
            try:
                self.fragment.set_group_variable(group, key, value)
            except WrongStatementError as wrong:
                wrong.way = (*way, key)
                raise
            self._note(("group", group, key), (*way, key))

    def _hosts(self, group: str, hosts: Mapping[Any, Any], way: Way) -> None:
        add = self.fragment.add_host
        for pattern, body in hosts.items():
            if body is not None and not isinstance(body, dict):
                message = f"the variables of {str(pattern)[:80]} are not a mapping"
                raise WrongStatementError(message, way=(*way, pattern), slug="inventory-host")
            try:
                if isinstance(pattern, str) and is_simple_host(pattern):
                    add(pattern, group, body or _NONE)
                    names: list[str] = [pattern]
                else:
                    names = self._several(pattern, group, body or _NONE)
            except WrongStatementError as wrong:
                wrong.way = (*way, pattern)
                raise
            if self._places is not None:
                for name in names:
                    self._note(("host", name), (*way, pattern))
                    for key in body or ():
                        self._require_name(key, (*way, pattern, key))
                        self._note(("host", name, key), (*way, pattern, key))

    def _several(self, pattern: Any, group: str, variables: Mapping[str, Any]) -> list[str]:
        if not isinstance(pattern, str):
            message, hint = f"the host {pattern!r} is not text", "put it in quotes"
            raise WrongStatementError(message, slug="inventory-host", hint=hint)
        names, port = expand_hosts(pattern)
        for name in names:
            self.fragment.add_host(name, group, variables, port)
        return names

    def _require_name(self, key: Any, way: Way) -> None:
        if not isinstance(key, str):
            raise WrongStatementError(f"the variable {key!r} is not text", way=way, hint="put it in quotes")
