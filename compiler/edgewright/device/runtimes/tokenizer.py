"""Text to token ids and back, and chats to text, with the files of the artifact's `tokenizer/` folder.

Owns the use of `tokenizers` and `jinja2`, both imported when first needed: a host without them still serves token ids.

Invariants: a chat template runs in Jinja's immutable sandbox, never elsewhere; nothing is padded here, nor cut unasked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.device.documents import parse_object, read_capped
from edgewright.device.refusal import Missing, Refusal

TEMPLATE_CAP_BYTES = 256 * 1024
RENDERED_CAP_CHARACTERS = 8 * 2**20


class Tokenizer:
    """The artifact's tokenizer. Refuses `runtime-missing` at the first use when `tokenizers` is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: Any = None

    def _tokenizer(self) -> Any:
        if self._loaded is None:
            try:
                from tokenizers import Tokenizer as Loaded
            except ImportError as error:
                raise Missing(
                    "runtime-missing",
                    f"tokenizers cannot be imported: {error}",
                    hint="send token ids instead of text, or ship the tokenizers wheel in the release",
                ) from None
            path = self._folder / "tokenizer.json"
            if not path.is_file():
                raise Refusal("artifact-invalid", "tokenizer/tokenizer.json is missing")
            loaded = Loaded.from_file(str(path))
            loaded.no_padding()
            loaded.no_truncation()
            self._loaded = loaded
        return self._loaded

    def encode(self, text: str, add_special_tokens: bool = True, longest: int | None = None) -> list[int]:
        """Token ids of a text, special tokens included; cut to `longest` ids where that is given."""
        encoding = self._tokenizer().encode(text, add_special_tokens=add_special_tokens)
        ids = list(encoding.ids)
        return ids if longest is None else cut_ids(ids, encoding.special_tokens_mask, longest)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, without special tokens."""
        return str(self._tokenizer().decode(list(ids), skip_special_tokens=True))


def cut_ids(ids: Sequence[int], special: Sequence[int], longest: int) -> list[int]:
    """`ids` cut to `longest`, as `tokenizers` cuts a text: from its end, before the tokens that close every text.

    `special` is 1 where an id was put in by the tokenizer itself, as long as `ids`."""
    if len(ids) <= longest:
        return list(ids)
    closing = next((n for n, mark in enumerate(reversed(special)) if not mark), len(special))
    if closing > longest:
        return list(ids[:longest])
    return [*ids[: longest - closing], *ids[len(ids) - closing :]]


class ChatTemplate:
    """`tokenizer/chat_template.jinja` in the immutable sandbox, with the names Hugging Face templates expect."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._compiled: Any = None
        self._tokens: dict[str, str] = {}

    def _template(self) -> Any:
        if self._compiled is not None:
            return self._compiled
        try:
            from jinja2.exceptions import TemplateError
            from jinja2.sandbox import ImmutableSandboxedEnvironment
        except ImportError as error:
            raise Missing("runtime-missing", f"jinja2 cannot be imported: {error}") from None
        source = read_capped(self._folder / "chat_template.jinja", TEMPLATE_CAP_BYTES, "chat-template-missing")
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = _strftime_now
        try:
            self._compiled = environment.from_string(source.decode("utf-8"))
        except (TemplateError, UnicodeDecodeError) as error:
            raise Refusal("chat-template-invalid", f"chat_template.jinja does not compile: {error}") from None
        self._tokens = _special_tokens(self._folder)
        return self._compiled

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The prompt of a conversation, ending where the assistant is to speak; refuses `chat-template-refused`."""
        template = self._template()
        from jinja2.exceptions import TemplateError

        plain = [dict(message) for message in messages]
        try:
            text = template.render(
                messages=plain, add_generation_prompt=True, tools=None, documents=None, **self._tokens
            )
        except (TemplateError, _TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise Refusal("chat-template-refused", f"the chat template refuses these messages: {error}") from None
        if len(text) > RENDERED_CAP_CHARACTERS:
            raise Refusal(
                "input-too-long", f"the rendered chat has {len(text)} characters, {RENDERED_CAP_CHARACTERS} are allowed"
            )
        return str(text)


class _TemplateError(Exception):
    pass


def _raise(message: str) -> Any:
    raise _TemplateError(message)


def _strftime_now(pattern: str) -> str:
    return time.strftime(pattern)


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _special_tokens(folder: Path) -> dict[str, str]:
    """bos_token, eos_token and so on, as templates name them; from either of the two files that may hold them."""
    tokens: dict[str, str] = {}
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = folder / name
        if not path.is_file():
            continue
        document = parse_object(read_capped(path, 32 * 2**20, "artifact-invalid"), name, "artifact-invalid")
        for key in ("bos_token", "eos_token", "unk_token", "pad_token"):
            value = document.get(key)
            if isinstance(value, dict):
                value = value.get("content")
            if isinstance(value, str):
                tokens.setdefault(key, value)
    return tokens
