"""From parsed values to documents: pydantic's errors become diagnostics at their place, in the house's words.

Every error of a document is reported in one go. Unknown keys are errors and name the closest known key.
"""

from __future__ import annotations

import json
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from edgewright.kernel.diagnostics import Diagnostic, did_you_mean
from edgewright.load.yaml12 import Parsed, Path
from edgewright.spec.base import Model
from edgewright.spec.v1alpha1.documents import API_VERSION, KINDS

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "int_from_float": "a whole number",
}


def validate(parsed: Parsed) -> tuple[Model | None, list[Diagnostic]]:
    """Make the document that `apiVersion` and `kind` name, or say everything that is wrong with it."""
    value = parsed.value
    if not isinstance(value, dict):
        return None, [Diagnostic("not-a-document", "a document is a mapping", span=parsed.spans.span(()))]
    version, kind = value.get("apiVersion"), value.get("kind")
    if version != API_VERSION:
        message = f"apiVersion is {version!r}, {API_VERSION} is served"
        return None, [Diagnostic("unknown-version", message, span=parsed.spans.span(("apiVersion",)))]
    if not isinstance(kind, str) or kind not in KINDS:
        hint = did_you_mean(str(kind), KINDS)
        return None, [
            Diagnostic("unknown-kind", f"there is no kind {kind!r}", span=parsed.spans.span(("kind",)), hint=hint)
        ]
    model = KINDS[kind]
    try:
        text = json.dumps(value)
        return model.model_validate_json(text), []
    except ValidationError as error:
        return None, [_diagnostic(model, parsed, detail) for detail in error.errors(include_url=False)]


def _place(parsed: Parsed, loc: tuple[int | str, ...]) -> tuple[Path, bool]:
    """The longest path of an error's location that is in the document; tags of unions are skipped."""
    value: Any = parsed.value
    path: list[str | int] = []
    for index, part in enumerate(loc):
        if isinstance(value, dict) and isinstance(part, str) and part in value:
            value = value[part]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            is_last = index == len(loc) - 1
            if is_last:
                return tuple(path), False
            continue
        path.append(part)
    return tuple(path), True


def _shown(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the document"


def _diagnostic(model: type[BaseModel], parsed: Parsed, detail: ErrorDetails) -> Diagnostic:
    loc = detail["loc"]
    path, is_whole = _place(parsed, loc)
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        full = path if is_whole else (*path, loc[-1])
        known = _known_keys(model, loc[:-1])
        hint = did_you_mean(str(loc[-1]), known) if known else None
        message = f"{_shown(full[:-1])} has no key {loc[-1]!r}"
        return Diagnostic("unknown-key", message, span=parsed.spans.key_span(full), hint=hint)
    if kind == "missing":
        message = f"{_shown(path)} lacks the key {loc[-1]!r}"
        return Diagnostic("missing-key", message, span=parsed.spans.key_span(path))
    span = parsed.spans.span(path)
    if kind in _WANTED:
        return Diagnostic(
            "wrong-type", f"{_shown(path)} is {_kind_of(detail['input'])}, {_WANTED[kind]} is wanted", span=span
        )
    if kind == "union_tag_invalid":
        tags = [tag.strip().strip("'") for tag in str(context.get("expected_tags", "")).split(",")]
        discriminator = str(context.get("discriminator", "")).strip("'")
        place = parsed.spans.span((*path, discriminator))
        tag = str(context.get("tag"))
        message = f"{_shown(path)} has no {discriminator} {tag!r}"
        return Diagnostic("unknown-choice", message, span=place, hint=did_you_mean(tag, tags))
    if kind in {"literal_error", "enum"}:
        message = f"{_shown(path)} is {_brief(detail['input'])}, {context.get('expected', '')} is allowed"
        return Diagnostic("unknown-choice", message, span=span)
    if kind == "value_error":
        message = str(context.get("error", detail["msg"]))
        return Diagnostic("bad-value", f"{_shown(path)}: {message}", span=span)
    return Diagnostic(
        "bad-value", f"{_shown(path)}: {_lowered(detail['msg'])}, not {_brief(detail['input'])}", span=span
    )


def _known_keys(model: Any, loc: tuple[int | str, ...]) -> list[str]:
    """Keys that the model at a location takes, followed through aliases, lists and unions by pydantic's own names."""
    candidates: list[Any] = [model]
    for part in loc:
        following: list[Any] = []
        for candidate in candidates:
            if not (isinstance(candidate, type) and issubclass(candidate, BaseModel)):
                continue
            for name, field in candidate.model_fields.items():
                if part in (name, field.alias):
                    following += _models_in(field.annotation)
        candidates = following or candidates
    return sorted({field.alias or name for c in candidates for name, field in c.model_fields.items()})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _kind_of(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}
    return names.get(type(value), "empty")


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
