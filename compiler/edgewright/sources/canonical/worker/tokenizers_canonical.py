"""The tokenizer of the canonical model: one fast tokenizer without truncation or padding, and its special tokens.

Owns the three tokenizer files and the chat template. GGUF metadata and Hugging Face folders both end here, so what
reaches a device is written in one way.

Invariants: `tokenizer.json` neither truncates nor pads (the service decides lengths); an empty normalizer sequence is
written as null, which other readers of the format need; no class of a model repository is named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from edgewright.plugins.worker import WorkerError
from edgewright.sources.canonical.strict_json import read_object
from edgewright.sources.canonical.worker.writing import write_json, write_text

TOKENIZER_LIMIT_BYTES = 64 * 2**20
TEMPLATE_LIMIT_CHARACTERS = 256 * 1024
ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True, slots=True)
class CanonicalTokenizer:
    """A tokenizer, the texts of its special tokens by role, and the chat template if the model has one."""

    tokenizer: Tokenizer
    special: Mapping[str, str]
    chat_template: str | None

    def token_id(self, role: str) -> int | None:
        """Id of a special token, or None."""
        text = self.special.get(role)
        return None if text is None else self.tokenizer.token_to_id(text)


def read_folder_tokenizer(base: Path) -> CanonicalTokenizer:
    """The tokenizer of a Hugging Face folder. Refuses `tokenizer-missing` and `tokenizer-invalid`."""
    path = base / "tokenizer.json"
    if not path.is_file():
        raise WorkerError(
            "tokenizer-missing",
            "tokenizer.json: no such file beside the weights",
            hint="save the model's fast tokenizer with it: AutoTokenizer.from_pretrained(…).save_pretrained(…)",
        )
    document, _ = read_object(path, path.name, TOKENIZER_LIMIT_BYTES)
    try:
        tokenizer = Tokenizer.from_str(json.dumps(document))
    except Exception as error:  # noqa: BLE001  the library raises bare Exception
        raise WorkerError("tokenizer-invalid", f"tokenizer.json: {str(error)[:300]}") from None
    options = _optional(base / "tokenizer_config.json")
    special = {**_special_tokens(options), **_special_tokens(_optional(base / "special_tokens_map.json"))}
    missing = [text for text in special.values() if tokenizer.token_to_id(text) is None]
    if missing:
        raise WorkerError("tokenizer-invalid", f"special tokens {missing!r:.200} are not in tokenizer.json")
    return CanonicalTokenizer(tokenizer, special, _chat_template(base, options))


def _optional(path: Path) -> dict[str, Any]:
    return read_object(path, path.name, TOKENIZER_LIMIT_BYTES)[0] if path.is_file() else {}


def _special_tokens(document: Mapping[str, Any]) -> dict[str, str]:
    special = {}
    for role in ROLES:
        value = document.get(role)
        text = value.get("content") if isinstance(value, dict) else value
        if isinstance(text, str):
            special[role] = text
    return special


def _chat_template(base: Path, options: Mapping[str, Any]) -> str | None:
    path = base / "chat_template.jinja"
    template: Any = path.read_text(encoding="utf-8") if path.is_file() else options.get("chat_template")
    if isinstance(template, list):  # several named templates: the one called default is the model's
        named = {item.get("name"): item.get("template") for item in template if isinstance(item, dict)}
        template = named.get("default")
    return template if isinstance(template, str) else None


def write_tokenizer(folder: Path, canonical: CanonicalTokenizer, max_positions: int) -> None:
    """Write tokenizer.json, tokenizer_config.json, special_tokens_map.json and chat_template.jinja."""
    canonical.tokenizer.no_truncation()
    canonical.tokenizer.no_padding()
    document = json.loads(canonical.tokenizer.to_str())
    if document.get("normalizer") == {"type": "Sequence", "normalizers": []}:
        document["normalizer"] = None
    write_text(folder / "tokenizer.json", json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "model_max_length": max_positions,
            **canonical.special,
        },
    )
    write_json(folder / "special_tokens_map.json", dict(canonical.special))
    if canonical.chat_template is not None:
        if len(canonical.chat_template) > TEMPLATE_LIMIT_CHARACTERS:
            raise WorkerError(
                "chat-template-too-large",
                f"the chat template has {len(canonical.chat_template)} characters, "
                f"at most {TEMPLATE_LIMIT_CHARACTERS} are taken",
            )
        write_text(folder / "chat_template.jinja", canonical.chat_template)
