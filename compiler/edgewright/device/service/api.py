"""The shapes of the OpenAI API that this service speaks: requests checked, errors in OpenAI's form.

Owns validation of request bodies. Must not know HTTP handlers or runtimes.

Invariants: what a request asks for and this service cannot do is an error, never silently dropped; an error names the
parameter, the number that is wrong and the number allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BODY_CAP_BYTES = 4 * 2**20
MOST_INPUTS = 256
MOST_MESSAGES = 256
MOST_STOPS = 4
LONGEST_STOP = 256
DEFAULT_MAX_TOKENS = 512
ROLES = ("system", "developer", "user", "assistant", "tool")
UNSUPPORTED = (
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "audio",
    "modalities",
    "prediction",
)


class ApiError(Exception):
    """An HTTP error in OpenAI's shape."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        parameter: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.parameter = parameter
        self.headers = dict(headers or {})

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.parameter, "code": self.code}}


def _bad(parameter: str, message: str, code: str = "invalid_value") -> ApiError:
    return ApiError(400, f"{parameter} {message}", code=code, parameter=parameter)


@dataclass(frozen=True)
class EmbeddingsRequest:
    """`inputs` are texts or lists of token ids; `truncate` is this service's one addition to the API."""

    model: str
    inputs: tuple[Any, ...]
    base64: bool
    truncate: bool
    dimensions: int | None


@dataclass(frozen=True)
class ChatRequest:
    """A conversation and how to continue it."""

    model: str
    messages: tuple[dict[str, str], ...]
    max_tokens: int | None
    temperature: float
    top_p: float
    seed: int | None
    stop: tuple[str, ...]
    stream: bool
    include_usage: bool


def parse_body(content: bytes) -> dict[str, Any]:
    """The JSON object of a request."""
    try:
        document = json.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ApiError(400, f"the body is not JSON: {error}", code="invalid_json") from None
    if not isinstance(document, dict):
        raise ApiError(400, "the body is not a JSON object", code="invalid_json")
    return document


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str):
        raise _bad(key, "is missing or not a text", "invalid_type")
    return value


def _flag(document: Mapping[str, Any], key: str) -> bool:
    value = document.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _bad(key, "is neither true nor false", "invalid_type")
    return value


def _number(document: Mapping[str, Any], key: str, default: float, low: float, high: float) -> float:
    value = document.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise _bad(key, f"is {value!r:.40}, {low:g} to {high:g} is allowed")
    return float(value)


def _integer(document: Mapping[str, Any], key: str, low: int, high: int) -> int | None:
    value = document.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _bad(key, f"is {value!r:.40}, {low} to {high} is allowed")
    return value


def _inputs(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not value:
        raise _bad("input", "is neither a text, a list of texts, nor a list of token ids", "invalid_type")
    if all(type(entry) is int for entry in value):
        return (tuple(value),)
    if len(value) > MOST_INPUTS:
        raise _bad("input", f"has {len(value)} entries, {MOST_INPUTS} are allowed")
    for entry in value:
        ids = isinstance(entry, list) and all(type(token) is int for token in entry)
        if not isinstance(entry, str) and not ids:
            raise _bad("input", "has an entry that is neither a text nor a list of token ids", "invalid_type")
    return tuple(entry if isinstance(entry, str) else tuple(entry) for entry in value)


def parse_embeddings(document: Mapping[str, Any]) -> EmbeddingsRequest:
    """A request to /v1/embeddings."""
    form = document.get("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise _bad("encoding_format", f"is {form!r:.40}, float and base64 are known")
    return EmbeddingsRequest(
        model=_text(document, "model"),
        inputs=_inputs(document.get("input")),
        base64=form == "base64",
        truncate=_flag(document, "truncate"),
        dimensions=_integer(document, "dimensions", 1, 2**20),
    )


def _content(position: int, value: Any) -> str:
    """The text of a message: a string, or OpenAI's list of parts when all of them are text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in value):
        texts = [part.get("text") for part in value]
        if all(isinstance(text, str) for text in texts):
            return "".join(texts)
    raise _bad(f"messages[{position}].content", "is not text; this model reads nothing else", "invalid_type")


def _messages(value: Any) -> tuple[dict[str, str], ...]:
    if not isinstance(value, list) or not value:
        raise _bad("messages", "is missing or empty", "invalid_type")
    if len(value) > MOST_MESSAGES:
        raise _bad("messages", f"has {len(value)} entries, {MOST_MESSAGES} are allowed")
    messages = []
    for position, message in enumerate(value):
        if not isinstance(message, dict):
            raise _bad(f"messages[{position}]", "is not an object", "invalid_type")
        role = message.get("role")
        if role not in ROLES:
            raise _bad(f"messages[{position}].role", f"is {role!r:.40}, {', '.join(ROLES)} are known")
        role = "system" if role == "developer" else role
        messages.append({"role": role, "content": _content(position, message.get("content"))})
    return tuple(messages)


def _stops(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(
        isinstance(stop, str) and 0 < len(stop) <= LONGEST_STOP for stop in stops
    ):
        raise _bad("stop", f"is not a text, or a list of texts, of 1 to {LONGEST_STOP} characters", "invalid_type")
    if len(stops) > MOST_STOPS:
        raise _bad("stop", f"has {len(stops)} entries, {MOST_STOPS} are allowed")
    return tuple(stops)


def parse_chat(document: Mapping[str, Any]) -> ChatRequest:
    """A request to /v1/chat/completions. Without `temperature` the answer is greedy, so it can be repeated."""
    for key in UNSUPPORTED:
        if document.get(key) not in (None, False, [], {}, 0, "none"):
            raise _bad(key, "is not supported by this service", "unsupported_parameter")
    form = document.get("response_format")
    if form is not None and not (isinstance(form, dict) and form.get("type") == "text"):
        raise _bad("response_format", "is not supported by this service, except text", "unsupported_parameter")
    if document.get("n") not in (None, 1):
        raise _bad("n", f"is {document.get('n')!r:.40}, 1 is allowed")
    for key in ("frequency_penalty", "presence_penalty"):
        _number(document, key, 0.0, 0.0, 0.0)
    options = document.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise _bad("stream_options", "is not an object", "invalid_type")
    newer = _integer(document, "max_completion_tokens", 1, 2**22)
    return ChatRequest(
        model=_text(document, "model"),
        messages=_messages(document.get("messages")),
        max_tokens=newer if newer is not None else _integer(document, "max_tokens", 1, 2**22),
        temperature=_number(document, "temperature", 0.0, 0.0, 2.0),
        top_p=_number(document, "top_p", 1.0, 0.0, 1.0) or 1e-6,
        seed=_integer(document, "seed", -(2**31), 2**31 - 1),
        stop=_stops(document.get("stop")),
        stream=_flag(document, "stream"),
        include_usage=_flag(options or {}, "include_usage"),
    )
