"""Makes wrong documents out of good ones, by a seed: mutations of the grammar (keys, values, shapes) and of the bytes.

Pure. Owns no file. Invariant: equal seeds give equal bytes, so a failure is repeated by its number alone.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import yaml

HOSTILE_TEXTS = (
    "{{ lookup('pipe', 'id') }}",
    "{% for x in y %}",
    "$(touch pwned)",
    "`id`",
    "; rm -rf ~",
    "-oProxyCommand=id",
    "--upload-pack=id",
    "../../../../etc/passwd",
    "/etc/passwd",
    "a\nb",
    "a\u202eb",
    "a\u200bb",
    "\ud7ff\U0010ffff",
    "no",
    "12:30",
    "0o17",
    "3.10",
    "1e400",
    ".nan",
    "2026-11-23",
    "0x10",
    "=",
    "<<",
    "",
    " ",
    "~",
    "x" * 5000,
    "a" * 40 + "!",
    "١٢٣",
    "%s%n",
    "'; DROP TABLE events; --",
    "<script>",
)
HOSTILE_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1 << 63,
    10**40,
    -0.0,
    1e308,
    3.14,
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"type": []},
    [{}],
)
TOKENS = (
    b"*a",
    b"&a ",
    b"!!python/object:os.system ",
    b"!include x",
    b"<<: {a: 1}\n",
    b"{{ x }}",
    b"\x00",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\t",
    b"---\n",
    b"...\n",
    b"%TAG ! tag:x,2000:\n",
    b"%YAML 1.1\n",
    b"? ",
    b"- " * 40,
    b"[" * 200,
    b"{" * 200,
    b"]",
    b"}",
    b'"',
    b"'",
    b"|\n",
    b">-\n",
    b": ",
    b"#",
    b"\r",
    b"\x85",
    b"\xe2\x80\xa8",
    b"\xe2\x80\xae",
    b"\\x",
    b"9" * 400,
    b"<<<<<<< HEAD\n",
)


def mutated(good: bytes, others: tuple[bytes, ...], seed: int) -> bytes:
    """One to four mutations of a good document; `others` lend it parts of themselves."""
    rng = random.Random(seed)
    data = good
    if rng.random() < 0.6:
        value = yaml.load(data, Loader=yaml.CSafeLoader)
        for _ in range(rng.randint(1, 3)):
            value = rng.choice(_GRAMMAR)(value, others, rng)
        data = _dumped(value, rng)
    if data == good or rng.random() < 0.4:
        for _ in range(rng.randint(1, 2)):
            data = rng.choice(_BYTES)(data, others, rng)
    return data


def _dumped(value: Any, rng: random.Random) -> bytes:
    style = rng.choice((None, None, None, '"', "'", "|"))
    flow = rng.choice((None, False, False, True))
    dumper = type("Dumper", (yaml.CSafeDumper,), {"ignore_aliases": lambda *_: rng.random() < 0.95})
    return yaml.dump(
        value,
        Dumper=dumper,
        default_style=style,
        default_flow_style=flow,
        sort_keys=False,
        allow_unicode=True,
        width=200,
    ).encode("utf-8", errors="surrogatepass")


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += _places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += _places(item, (*path, index))
    return found


def _parent(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path[:-1]:
        value = value[part]
    return value


def _somewhere(value: Any, rng: random.Random) -> tuple[Any, Any, Any]:
    """A copy of a document, a container in it, and a key or position of that."""
    result = copy.deepcopy(value)
    places = _places(result)
    if not places:
        return {"spec": result}, {"spec": result}, "spec"
    path = rng.choice(places)
    return result, _parent(result, path), path[-1]


def _drop(value: Any, others: tuple[bytes, ...], rng: random.Random) -> Any:
    result, parent, key = _somewhere(value, rng)
    del parent[key]
    return result


def _hostile_text(value: Any, others: tuple[bytes, ...], rng: random.Random) -> Any:
    result, parent, key = _somewhere(value, rng)
    parent[key] = rng.choice(HOSTILE_TEXTS)
    return result


def _hostile_value(value: Any, others: tuple[bytes, ...], rng: random.Random) -> Any:
    result, parent, key = _somewhere(value, rng)
    parent[key] = copy.deepcopy(rng.choice(HOSTILE_VALUES))
    return result


def _misspelt(value: Any, others: tuple[bytes, ...], rng: random.Random) -> Any:
    result, parent, key = _somewhere(value, rng)
    if isinstance(parent, dict) and isinstance(key, str) and len(key) > 1:
        place = rng.randrange(len(key) - 1)
        parent[key[:place] + key[place + 1] + key[place] + key[place + 2 :]] = parent.pop(key)
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    return result


def _hostile_key(value: Any, others: tuple[bytes, ...], rng: random.Random) -> Any:
    result, parent, _ = _somewhere(value, rng)
    if isinstance(parent, dict):
        parent[rng.choice((*HOSTILE_TEXTS, 1, None, True, "constructor", "__class__"))] = rng.choice(HOSTILE_VALUES)
    else:
        parent.append(copy.deepcopy(rng.choice(HOSTILE_VALUES)))
    return result


def _nested(value: Any, others: tuple[bytes, ...], rng: random.Random) -> Any:
    result, parent, key = _somewhere(value, rng)
    for _ in range(rng.choice((1, 3, 40, 100))):
        parent[key] = {"spec": parent[key]} if rng.random() < 0.5 else [parent[key]]
    return result


def _many(value: Any, others: tuple[bytes, ...], rng: random.Random) -> Any:
    result, parent, key = _somewhere(value, rng)
    if isinstance(parent[key], list):
        parent[key] = parent[key] * rng.choice((2, 100, 2000))
    elif isinstance(parent[key], dict):
        parent[key] |= {f"key-{number}": number for number in range(rng.choice((3, 500)))}
    else:
        parent[key] = [parent[key]] * rng.choice((2, 500))
    return result


def _grafted(value: Any, others: tuple[bytes, ...], rng: random.Random) -> Any:
    result, parent, key = _somewhere(value, rng)
    other = yaml.load(rng.choice(others), Loader=yaml.CSafeLoader)
    path = rng.choice(_places(other))
    parent[key] = _parent(other, path)[path[-1]]
    return result


def _arithmetic(value: Any, others: tuple[bytes, ...], rng: random.Random) -> Any:
    result = copy.deepcopy(value)
    numbers = [path for path in _places(result) if isinstance(_parent(result, path)[path[-1]], int | float)]
    if numbers:
        path = rng.choice(numbers)
        number = _parent(result, path)[path[-1]]
        _parent(result, path)[path[-1]] = rng.choice((-number, number * 10**9, number + 1, number / 3, str(number)))
    return result


def _flip(data: bytes, others: tuple[bytes, ...], rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 8))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(data: bytes, others: tuple[bytes, ...], rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.choice((1, 7, 60, len(data))) :]


def _inserted(data: bytes, others: tuple[bytes, ...], rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + rng.choice(TOKENS) + data[start:]


def _repeated(data: bytes, others: tuple[bytes, ...], rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b"\n"]
    start = rng.randrange(len(lines))
    return b"".join([*lines[: start + 1], *lines[start : start + 1] * rng.choice((1, 2, 300)), *lines[start + 1 :]])


def _spliced(data: bytes, others: tuple[bytes, ...], rng: random.Random) -> bytes:
    other = rng.choice(others)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _recoded(data: bytes, others: tuple[bytes, ...], rng: random.Random) -> bytes:
    text = data.decode("utf-8", errors="replace")
    return text.encode(
        rng.choice(("utf-16", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp1252")), errors="replace"
    )


_CODINGS = ("utf-16", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp1252")
_Grammar = Callable[[Any, tuple[bytes, ...], random.Random], Any]
_GRAMMAR: tuple[_Grammar, ...] = (
    _drop,
    _hostile_text,
    _hostile_text,
    _hostile_value,
    _hostile_value,
    _misspelt,
    _hostile_key,
    _nested,
    _many,
    _grafted,
    _arithmetic,
)
_BYTES: tuple[Callable[[bytes, tuple[bytes, ...], random.Random], bytes], ...] = (
    _flip,
    _flip,
    _cut,
    _inserted,
    _inserted,
    _repeated,
    _spliced,
    _recoded,
)
