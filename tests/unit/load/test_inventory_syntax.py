"""Syntax of inventories: the quick reader agrees with the YAML parser; what is not static is refused at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.load.inventories import DOCUMENTS

from edgewright.kernel.diagnostics import EdgewrightError
from edgewright.load.inventory.events import Opaque, Reading, parse
from edgewright.load.inventory.files import Files
from edgewright.load.inventory.fragment import WrongStatementError, expand_hosts
from edgewright.load.inventory.plain import NotPlainError, parse_plain
from edgewright.load.inventory.read import read_inventory
from edgewright.load.inventory.scalars import Scalars

WORDS = [
    "a",
    "b-c",
    "1",
    "1.5",
    "yes",
    "~",
    "-5",
    "- 5",
    "'q #'",
    '"x"',
    '"\\n"',
    "{a: 1}",
    "{a: {b: c}, d: }",
    "{}",
    "[1]",
]
WORDS += [
    "a b",
    "a:b",
    "a: b",
    "a #c",
    "a#c",
    "|",
    ">-",
    "&x",
    "*x",
    "!x y",
    "%",
    "@",
    "`",
    "é",
    "\t",
    "'a",
    "{a: b",
    "? a",
    "-",
    ":",
]
LINES = st.builds(
    lambda indent, key, gap, word: f"{' ' * indent}{key}{gap}{word}",
    st.integers(0, 6).map(lambda n: n - n % 2 if n != 5 else n),
    st.sampled_from(["a", "b", "c1", "hosts", "1", "no", "'q'", "", "#", "-"]),
    st.sampled_from([":", ": ", ":  ", "", " : "]),
    st.sampled_from(["", *WORDS]),
)


def by_parser(text: str) -> Any:
    return parse(text, Reading("x", Scalars().plain))


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_text_that_is_plain_means_what_yaml_means(text: str) -> None:
    try:
        ours = parse_plain(text, Scalars().plain)
    except NotPlainError:
        return
    assert ours == by_parser(text)


@given(DOCUMENTS)
def test_block_documents_mean_the_same_to_both_readers(document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document, sort_keys=False)
    try:
        assert parse_plain(text, Scalars().plain) == by_parser(text)
    except NotPlainError:
        assert by_parser(text) == yaml.safe_load(text) or "2024-01-31" in text or "=" in text


def test_usual_block_inventory_is_plain() -> None:
    text = "---\n# shops\nall:\n  hosts:\n    shop-1:  # first\n      ansible_host: 10.0.0.1\n"
    text += "      l: {tier: gold, n: 'x'}\n"
    assert parse_plain(text, Scalars().plain) == {
        "all": {"hosts": {"shop-1": {"ansible_host": "10.0.0.1", "l": {"tier": "gold", "n": "x"}}}}
    }


def refused(tmp_path: Path, text: str | bytes, name: str = "hosts.yaml") -> tuple[str, int, int]:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(EdgewrightError) as error:
        read_inventory(Files(tmp_path), name)
    [diagnostic] = error.value.diagnostics
    assert diagnostic.span is not None
    assert diagnostic.span.path == name
    return diagnostic.slug, diagnostic.span.line, diagnostic.span.column


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all: &a\n  hosts: {x: *a}\n", ("yaml-alias", 1, 6)),
        ("all:\n  hosts:\n    x: {<<: {a: 1}}\n", ("yaml-merge", 3, 9)),
        ("all:\n  hosts:\n    x:\n    x:\n", ("duplicate-key", 4, 5)),
        ("all: !!python/object/apply:os.system [id]\n", ("yaml-tag", 1, 6)),
        ("all:\n---\nall:\n", ("yaml-documents", 2, 1)),
        ("{" * 5000, ("yaml-depth", 1, 65)),
        ("all:\n  hosts: [x]\n", ("inventory-format", 2, 3)),
        ("all:\n  host: {x: }\n", ("inventory-format", 2, 3)),
        ("- a\n", ("inventory-format", 1, 1)),
        ("", ("inventory-format", 1, 1)),
        ("all:\n  hosts:\n    12:\n", ("inventory-host", 3, 5)),
        ("all:\n  hosts:\n    -oProxyCommand=id:\n", ("inventory-host", 3, 5)),
        ("all:\n  hosts:\n    'x[1:9999999]':\n", ("inventory-format", 3, 5)),
        ("all:\n  vars: {ansible_group_priority: high}\n", ("inventory-format", 2, 34)),
        ("plugin: aws_ec2\nregions: [x]\n", ("inventory-dynamic", 1, 9)),
        ("#!/bin/sh\nid\n", ("inventory-dynamic", 1, 1)),
        ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", ("inventory-encrypted", 1, 1)),
        (b"all: {hosts: {\xff: }}\n", ("not-utf8", 1, 1)),
        ("all: {hosts: {x\u202e: }}\n", ("hidden-character", 1, 16)),
        ("all:\n  children: {a: {children: {b: {children: {a: }}}}}\n", ("inventory-format", 1, 1)),
        ("all:\n  children: {x: {hosts: {x: }}}\n", ("inventory-format", 1, 1)),
    ],
)
def test_what_is_not_static_text_is_refused_at_its_place(
    tmp_path: Path, text: str | bytes, expected: tuple[str, int, int]
) -> None:
    assert refused(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[shops]\nx y\n", 2),
        ("[shops:things]\n", 1),
        ("[sh ops]\n", 1),
        ("[shops:vars]\na=1\n", 1),
        ("x\n[shops:children]\nnobody\n", 3),
        ("[shops:vars]\nno value\n[shops]\n", 2),
        ("x 'a=b\n", 1),
        ("x[1:2\n", 1),
        ("$(id) a=b\n", 1),
    ],
)
def test_wrong_line_of_an_ini_file_is_reported(tmp_path: Path, text: str, line: int) -> None:
    slug, at, _ = refused(tmp_path, text, "hosts.ini")
    assert (slug in {"inventory-format", "inventory-host"}, at) == (True, line)


def test_executable_and_linked_inventories_are_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("#!/bin/sh\ntouch pwned\n")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "linked").symlink_to("/etc/passwd")
    for name, slug in [
        ("run", "inventory-dynamic"),
        ("link", "symlink"),
        ("folder", "symlink"),
        ("no", "inventory-missing"),
    ]:
        with pytest.raises(EdgewrightError) as error:
            read_inventory(Files(tmp_path), name)
        assert error.value.diagnostics[0].slug == slug
    assert not (tmp_path / "pwned").exists()


def test_encrypted_value_is_kept_shut(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text(
        "all:\n  vars:\n    secret: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n  hosts: {x: }\n"
    )
    assert read_inventory(Files(tmp_path), "hosts.yml").variables("x") == {"secret": Opaque("!vault")}


def test_file_above_the_limit_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "hosts.yaml").open("wb") as stream:
        stream.truncate((64 << 20) + 1)
    with pytest.raises(EdgewrightError) as error:
        read_inventory(Files(tmp_path), "hosts.yaml")
    assert error.value.diagnostics[0].slug == "file-too-large"


@pytest.mark.parametrize(
    ("pattern", "names", "port"),
    [
        ("a", ["a"], None),
        ("a:22", ["a"], 22),
        ("w[08:11]", ["w08", "w09", "w10", "w11"], None),
        ("w[1:5:2]-[a:b]:7", ["w1-a", "w1-b", "w3-a", "w3-b", "w5-a", "w5-b"], 7),
    ],
)
def test_ranges_and_ports_are_expanded(pattern: str, names: list[str], port: int | None) -> None:
    assert expand_hosts(pattern) == (names, port)


@pytest.mark.parametrize(
    "pattern", ["", "-o", "a b", "a:", "w[1:]", "w[2:1:0]", "w[01:5]", "w[a:1]", "../x", "$(x)", "a\n"]
)
def test_hostile_host_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(WrongStatementError):
        expand_hosts(pattern)
