"""Wording: turns what pydantic says about a document into diagnostics in the house's words, at their place.

Pure. Subject first, then the value that is wrong and the values allowed. Nothing of pydantic's own English reaches a
reader, nor do the tags of unions that it puts into locations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from edgewright.kernel.diagnostics import Diagnostic, Fix, Span, did_you_mean
from edgewright.load.fixes import key_fix, name_fix, truth_fix
from edgewright.load.places import Path
from edgewright.load.shapes import keys_at
from edgewright.load.yaml12 import Parsed
from edgewright.spec.base import NAME_PATTERN, Model
from edgewright.spec.v1beta1.fleet import HOST_PATTERN

_MISSING = object()
_FORMS = {
    HOST_PATTERN: "a host name or address that does not start with a dash",
    NAME_PATTERN: "lower-case letters, digits and inner dashes, at most 63 characters",
    r"^[0-9a-f]{64}$": "the 64 hexadecimal digits of a sha256",
    r"^[0-9a-f]{40}$": "the 40 hexadecimal digits of a commit",
    r"^sha256:[0-9a-f]{64}$": "sha256: and 64 hexadecimal digits",
    r"^[1-9][0-9]{0,2} per target$": "a count and the words per target, such as 1 per target",
    r"^[a-z][a-z0-9_]{0,63}$": "snake_case, at most 64 characters",
    r"^3\.[0-9]{1,2}$": "a Python version, such as 3.11",
    r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$": "letters, digits and inner . _ -, at most 63 characters",
    r"^[a-z_][a-z0-9_-]{0,31}$": "the name of a user: lower-case letters, digits, _ and -, at most 32 characters",
    r"^[0-9a-fA-F.:]{2,45}$": "an IP address, such as 127.0.0.1",
    r"^[A-Za-z_][A-Za-z0-9_]{0,62}$": "the name of a group: letters, digits and _, at most 63 characters",
    r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$": "the name of a package: letters, digits and inner . _ -",
    r"^[0-9][A-Za-z0-9.+!-]{0,63}$": "the version of a package, such as 0.1.2",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$": "OWNER/NAME of a model on the hub",
    r"^[a-z0-9][a-z0-9._+-]{0,63}$": "a CPU as LLVM calls it, such as cortex-a76",
    r"^[0-9]{1,2}\.[0-9]{1,3}$": "two numbers, such as 2.36",
    r"^[a-z0-9*?-]{1,63}$": "a name, or a glob such as store-*, at most 63 characters",
}
_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least {} allowed"),
    "greater_than": ("gt", "only more than {} allowed"),
    "less_than_equal": ("le", "at most {} allowed"),
    "less_than": ("lt", "only less than {} allowed"),
}
_CORE_SCALAR_WORDS = {"yes", "no", "on", "off", "y", "n"}


def diagnose(error: Mapping[str, Any], parsed: Parsed, model: type[Model]) -> Diagnostic | None:
    """The diagnostic for one of pydantic's errors; None for what is only the echo of another error."""
    kind: str = error["type"]
    path, rest = _locate(parsed.value, tuple(error["loc"]))
    if kind == "missing":
        return _missing(parsed, path, rest, model, tuple(error["loc"]))
    if kind == "extra_forbidden":
        key = str(error["loc"][-1])
        known = keys_at(model, error["loc"][:-1])
        message = f"{key!r} is not a key of {path_name(path[:-1])}"
        hint, fix = did_you_mean(key, known), key_fix(parsed, path, known)
        return Diagnostic("unknown-key", message, span=parsed.spans.key_span(path), hint=hint, fix=fix)
    value = _value_at(parsed.value, path)
    span = _span_of(parsed, path, kind, error)
    if rest[-1:] == ("[key]",):
        span, value = parsed.spans.key_span(path), path[-1]
    for test in (_wrong_type, _wrong_word, _out_of_range, _wrong_length, _wrong_form):
        found = test(kind, error, path, value)
        if found is _ECHO:
            return None
        if found is not None:
            slug, message, hint = found
            return Diagnostic(slug, message, span=span, hint=hint, fix=_fix(kind, error, parsed, path))
    text = str(error.get("ctx", {}).get("error") or error["msg"])
    subject = "" if rest[-1:] == ("[key]",) else f"{path_name(path)}: "
    return Diagnostic("wrong-value", subject + text, span=span)


def _span_of(parsed: Parsed, path: Path, kind: str, error: Mapping[str, Any]) -> Span:
    """Where an error is shown: at the value; at the key of a block, whose own start would be its first entry."""
    if kind == "union_tag_invalid":
        return parsed.spans.span((*path, _quoted(error["ctx"]["discriminator"])[0]))
    span = parsed.spans.span(path)
    return parsed.spans.key_span(path) if path and span.end_line != span.line else span


def _fix(kind: str, error: Mapping[str, Any], parsed: Parsed, path: Path) -> Fix | None:
    """The edit that mends a wrong word, where it is certain."""
    context = error.get("ctx", {})
    if kind == "literal_error":
        return name_fix(parsed.spans, path, _value_at(parsed.value, path), _quoted(context["expected"]))
    if kind == "union_tag_invalid":
        place = (*path, _quoted(context["discriminator"])[0])
        return name_fix(parsed.spans, place, context["tag"], _quoted(context["expected_tags"]))
    return truth_fix(parsed.spans, path, _value_at(parsed.value, path)) if kind == "bool_type" else None


_Found = tuple[str, str, str | None]
_ECHO: _Found = ("", "", None)
_Test = Callable[[str, Mapping[str, Any], Path, Any], _Found | None]


def _missing(parsed: Parsed, path: Path, rest: tuple[Any, ...], model: type[Model], location: Path) -> Diagnostic:
    key = str(rest[-1] if rest else location[-1])
    present = _value_at(parsed.value, path)
    misspelt = None
    if isinstance(present, dict):
        known = keys_at(model, location[:-1])
        unknown = [name for name in present if name not in known]
        close = did_you_mean(key, unknown)
        misspelt = (
            f"{close.removeprefix('did you mean ').rstrip('?')} is there: a typing error?"
            if (close and close.startswith("did you mean"))
            else None
        )
    span = parsed.spans.key_span(path) if path else parsed.spans.span(())
    taken_away = parsed.spans.keys.get((*path, key))  # by the null of an overlay: the value is gone, its place is not
    span = taken_away or span
    return Diagnostic("missing-key", f"{path_name(path)} lacks {key}", span=span, hint=misspelt)


def _wrong_type(kind: str, _: Mapping[str, Any], path: Path, value: Any) -> _Found | None:
    if kind not in _TYPES:
        return None
    said, hint = _described(value), None
    if kind == "string_type" and isinstance(value, bool | int | float):
        # not the value: 3.10 is 3.1 by now, and in quotes that would be another version
        said = "a truth value" if isinstance(value, bool) else "a number"
        hint = "put it in quotes if text is meant"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in _CORE_SCALAR_WORDS:
        hint = f"{value} is text in YAML 1.2: write true or false"
    if kind == "tuple_type" and isinstance(value, str):
        hint = f"write [{value}]"
    return "wrong-type", f"{path_name(path)} is {said}, {_TYPES[kind]} is needed", hint


def _wrong_word(kind: str, error: Mapping[str, Any], path: Path, value: Any) -> _Found | None:
    context = error.get("ctx", {})
    if kind == "literal_error":
        words = _quoted(context["expected"])
        return (
            "unknown-value",
            f"{path_name(path)} is {_described(value)}; allowed: {_listed(words)}",
            _close(value, words),
        )
    if kind == "union_tag_invalid":
        tag, words = context["tag"], _quoted(context["expected_tags"])
        message = f"{path_name(path)}.{_quoted(context['discriminator'])[0]} is {tag!r}; allowed: {_listed(words)}"
        return "unknown-value", message, _close(tag, words)
    if kind == "union_tag_not_found":
        return "missing-key", f"{path_name(path)} lacks {_quoted(context['discriminator'])[0]}", None
    return None


def _out_of_range(kind: str, error: Mapping[str, Any], path: Path, value: Any) -> _Found | None:
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        bound = error["ctx"][key]
        shown = f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"
        return "out-of-range", f"{path_name(path)} is {_shown(value)}, {words.format(shown)}", None
    if kind == "finite_number":
        return "out-of-range", f"{path_name(path)} is {_shown(value)}, a finite number is needed", None
    return None


def _wrong_length(kind: str, error: Mapping[str, Any], path: Path, value: Any) -> _Found | None:
    if kind not in ("too_short", "too_long", "string_too_short", "string_too_long"):
        return None
    context = error["ctx"]
    unit = "characters" if kind.startswith("string") else "entries"
    length = len(value) if isinstance(value, list | dict | str) else 0
    if kind.endswith("short"):
        if length >= context["min_length"]:
            return _ECHO  # its entries are wrong and were reported; the list itself is long enough
        return "wrong-length", f"{path_name(path)} has {length} {unit}, at least {context['min_length']} needed", None
    return "wrong-length", f"{path_name(path)} has {length} {unit}, at most {context['max_length']} allowed", None


def _wrong_form(kind: str, error: Mapping[str, Any], path: Path, value: Any) -> _Found | None:
    if kind == "string_pattern_mismatch":
        pattern = error["ctx"]["pattern"]
        form = _FORMS.get(pattern, f"text of the form {pattern}")
        return "wrong-form", f"{path_name(path)} is {_described(value)}; allowed: {form}", None
    if kind == "url_syntax_violation":
        message = f"{path_name(path)} is {_described(value)}; an address has no blanks, braces or backslashes"
        return "wrong-form", message, "templates and variables are not expanded here: write the address itself"
    if kind.startswith("url_"):
        return "wrong-form", f"{path_name(path)} is {_described(value)}, an http or https address is needed", None
    return None


def _locate(value: Any, location: tuple[Any, ...]) -> tuple[Path, tuple[Any, ...]]:
    """The longest way into the document that a location describes, and what is left of the location."""
    path: list[str | int] = []
    for index, part in enumerate(location):
        rest = location[index + 1 :]
        if isinstance(value, dict) and part in value:
            is_tag = bool(rest) and rest[-1] != "[key]" and not isinstance(value[part], dict | list)
            if is_tag:
                continue
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            continue
        path.append(part)
    last = location[-1:]
    return tuple(path), last if not path or tuple(path[-1:]) != last else ()


def _value_at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def path_name(path: Path) -> str:
    """`spec.builds[0].targets`; the document itself at the root."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the document"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)[:80]


def _described(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, str):
        return repr(value[:80])
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"the {'truth value' if isinstance(value, bool) else 'number'} {_shown(value)}"


def _quoted(text: str) -> list[str]:
    """The words that pydantic lists: `'ssh' or 'local'`, `16, 32 or 64`."""
    return re.findall(r"'([^']*)'", text) or re.split(r", | or ", text)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _close(value: Any, words: list[str]) -> str | None:
    close = did_you_mean(value, words) if isinstance(value, str) else None
    return close if close and close.startswith("did you mean") else None
