"""Reads an inventory: its files to fragments, in order, then variables files, then one merged inventory.

Owns limits, encodings and the choice of syntax. A file is read the quick way first; only when something is wrong is it
read again for the place of it. Invariant: nothing is run, no link is followed, nothing outside the root is opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from edgewright.kernel.diagnostics import EdgewrightError, Span
from edgewright.kernel.digest import Digest, digest_bytes, digest_json
from edgewright.load.inventory.document import read_document
from edgewright.load.inventory.events import Places, Reading, Way, parse, refusal
from edgewright.load.inventory.files import Files
from edgewright.load.inventory.fragment import ALWAYS, Fragment, WrongStatementError
from edgewright.load.inventory.ini import read_ini
from edgewright.load.inventory.merge import Inventory, Variables
from edgewright.load.inventory.plain import NotPlainError, parse_plain
from edgewright.load.inventory.scalars import Scalars, json_scalar
from edgewright.load.inventory.sources import EXPORT_HINT, expand_variable_file, inventory_files, variable_files

FILE_LIMIT_BYTES = 64 << 20
TOTAL_LIMIT_BYTES = 256 << 20
_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_YAML_SUFFIXES = (".yaml", ".yml", ".json")
_YAML_START = re.compile(r"(?:[ \t\r]*+(?:#[^\n]*+)?+\n)*+[ \t]*+(?:---|\{|[\w.\"'-]++[ \t]*+:(?:\s|$))")


@dataclass(slots=True)
class _Texts:
    """Texts of files, within the limits of a file and of all together."""

    files: Files
    left_bytes: int = TOTAL_LIMIT_BYTES
    scalars: Scalars = field(default_factory=Scalars)

    def read(self, path: str) -> str:
        limit = min(FILE_LIMIT_BYTES, self.left_bytes)
        try:
            data = self.files.read(path, limit)
        except EdgewrightError as error:
            raise error.placed(Span(path, 1, 1, 1, 1)) from None
        self.left_bytes -= len(data)
        if data.startswith(b"#!"):
            span = Span(path, 1, 1, 1, 3)
            raise refusal(
                "inventory-dynamic", f"{path} is a program; check and plan run no inventory", span, hint=EXPORT_HINT
            )
        if data.startswith(b"$ANSIBLE_VAULT;"):
            hint = "keep what edgewright reads in files that are not encrypted, and the others outside of the inventory"
            raise refusal(
                "inventory-encrypted", f"{path} is encrypted by ansible-vault", Span(path, 1, 1, 1, 1), hint=hint
            )
        return _decoded(data, path)


def _decoded(data: bytes, path: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        span = Span(path, line, 1, line, 1)
        raise refusal("not-utf8", f"byte {error.start + 1} is not UTF-8", span, hint="save the file as UTF-8") from None
    hidden = _HIDDEN.search(text)
    if hidden is not None:
        line = text.count("\n", 0, hidden.start()) + 1
        column = hidden.start() - text.rfind("\n", 0, hidden.start())
        message = f"the character U+{ord(hidden[0]):04X} is invisible and not allowed"
        raise refusal("hidden-character", message, Span(path, line, column, line, column + 1))
    return text


def read_inventory(files: Files, path: str) -> Inventory:
    """Read an inventory. Raises with the first thing that is wrong, at its place.

    Limits: 64 MiB a file, 256 MiB together, 250,000 hosts. Variables that nobody needs may be encrypted, one by one.
    """
    texts = _Texts(files)
    said: Fragment | None = None
    try:
        for name in inventory_files(files, path):
            fragment = _read_file(texts, name)
            if said is None and not fragment.asked:
                said = fragment
                continue
            said = said or Fragment()
            said.add(fragment)
        said = said or Fragment()
        group_files = _variables(texts, path, "group_vars", {*said.groups, *ALWAYS})
        host_files = _variables(texts, path, "host_vars", said.hosts.keys())
        return Inventory(said, group_files, host_files)
    except WrongStatementError as wrong:
        raise refusal(wrong.slug, wrong.message, Span(path, 1, 1, 1, 1), hint=wrong.hint) from None


def inventory_digest(repository: Path, path: str) -> Digest:
    """Digest of all that an inventory is read from: its files and the variables beside, by name and content."""
    files = Files(repository)
    names = set(inventory_files(files, path))
    for folder in ("group_vars", "host_vars"):
        for entry in variable_files(files, path, folder).values():
            names.update(expand_variable_file(files, entry))
    return digest_json({name: digest_bytes(files.read(name, FILE_LIMIT_BYTES)) for name in names})


def find_places(files: Files, path: str, inventory: Inventory, wanted: Collection[Way]) -> Places:
    """Where things were written: ("host", name), and ("host", name, variable) wherever the value came from."""
    asked = {way: [way] if len(way) == 2 else list(inventory.ways(way[1], way[2])) for way in wanted}
    known = frozenset(way for ways in asked.values() for way in ways)
    found: Places = {}
    texts = _Texts(files)
    for name in inventory_files(files, path):
        found |= _read_file(texts, name, known).places
    for folder in ("group_vars", "host_vars"):
        owners = {way[1] for way in known if way[0] == folder}
        for owner, file in _files_of(files, path, folder, owners):
            _, places = _read_variables(texts, file, frozenset((w[2],) for w in known if w[:2] == (folder, owner)))
            found |= {(folder, owner, *way): span for way, span in places.items()}
    firsts = ((way, next((found[w] for w in ways if w in found), None)) for way, ways in asked.items())
    return {way: span for way, span in firsts if span is not None}


def _read_file(texts: _Texts, name: str, known: frozenset[Way] | None = None) -> Fragment:
    text = texts.read(name)
    if not (name.endswith(_YAML_SUFFIXES) or ("." not in PurePosixPath(name).name and _YAML_START.match(text))):
        return read_ini(text, name, known.__contains__ if known is not None else None)
    plain = _plain_of(texts, text)
    try:
        if known is not None:
            places: Places = {}
            reading = Reading(name, plain, places, lambda way: _is_known(way, known))
            return read_document(parse(text, reading), places)
        try:
            return read_document(parse_plain(text, plain))
        except NotPlainError:
            return read_document(parse(text, Reading(name, plain)))
    except WrongStatementError as wrong:
        marks: Places = {}
        way = wrong.way
        parse(text, Reading(name, plain, marks, lambda found: found == way))
        span = marks.get(way, Span(name, 1, 1, 1, 1))
        raise refusal(wrong.slug, wrong.message, span, hint=wrong.hint) from None


def _is_known(way: Way, known: frozenset[Way]) -> bool:
    """Tell whether a way into an inventory document leads to something in `known`, or to a range of hosts."""
    if len(way) >= 2 and way[-2] == "hosts":
        return ("host", way[-1]) in known or "[" in str(way[-1])
    if len(way) >= 3 and way[-3] == "hosts":
        return ("host", way[-2], way[-1]) in known or "[" in str(way[-2])
    return len(way) >= 3 and way[-2] == "vars" and ("group", way[-3], way[-1]) in known


def _plain_of(texts: _Texts, text: str) -> Callable[[str], Any]:
    """How unquoted scalars are read: as JSON has them in a JSON file, else as YAML 1.1 does."""
    if text.lstrip()[:1] != "{":
        return texts.scalars.plain
    try:
        json.loads(text, object_pairs_hook=len, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return texts.scalars.plain
    return json_scalar


def _no_constant(text: str) -> float:
    raise ValueError(text)


def _files_of(files: Files, path: str, folder: str, names: Container[str]) -> Iterator[tuple[str, str]]:
    for owner, entry in variable_files(files, path, folder).items():
        if owner in names:
            yield from ((owner, file) for file in expand_variable_file(files, entry))


def _variables(texts: _Texts, path: str, folder: str, names: Container[str]) -> dict[str, Variables]:
    found: dict[str, dict[str, Any]] = {}
    for owner, file in _files_of(texts.files, path, folder, names):
        found.setdefault(owner, {}).update(_read_variables(texts, file)[0])
    return dict(found)


def _read_variables(texts: _Texts, file: str, known: frozenset[Way] = frozenset()) -> tuple[dict[str, Any], Places]:
    places: Places = {}
    text = texts.read(file)
    plain = _plain_of(texts, text)
    try:
        value = parse(text, Reading(file, plain, places, known.__contains__)) if known else parse_plain(text, plain)
    except NotPlainError:
        value = parse(text, Reading(file, plain))
    if value is None:
        return {}, places
    if not isinstance(value, dict):
        message = f"{file} is not a mapping of variables to values"
        raise refusal("inventory-format", message, Span(file, 1, 1, 1, 1))
    return value, places
