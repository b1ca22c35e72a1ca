"""Whether the device reads and writes text as the reference does: token ids and rendered conversations.

Owns the probes beside the dataset's own text: Unicode, white space, digits, the model's special tokens inside
content, template syntax inside content, with and without a system message. Both sides refusing a conversation is
parity too.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.device.artifact import Artifact
from edgewright.device.refusal import Refusal
from edgewright.device.runtimes.tokenizer import ChatTemplate, Tokenizer
from edgewright.metrics.dataset import Chat, Message, Row
from edgewright.metrics.generation.worker.reference import Reference
from edgewright.metrics.measurements import Measurements

TEXT_PROBES = (
    "  leading and   inner spaces\tand tabs\r\n\n\n",
    "1234567890 12,345.67 3/4 50% 0x1F",
    "naïve café, Ünïcödé, Ærøskøbing, ﬁne",
    "東京の天気は? שלום עולם مرحبا",
    "🙂👩‍🔧 e\u0301 \u200b zero-width",
    "don't won't o'clock snake_case camelCase http://a.example/b?c=d",
    "def f(x):\n    return {'a': [x, None]}\n",
)


def tokenizer_parity(result: Measurements, artifact: Artifact, texts: Sequence[str], reference: Reference) -> None:
    """Fraction of texts that give identical token ids."""
    tokenizer = Tokenizer(artifact.tokenizer)
    every = [*texts, *TEXT_PROBES, "before " + " ".join(reference.special_tokens) + " after"]
    same = sum(tokenizer.encode(text) == reference.encode(text) for text in every)
    result.add("tokenizer_parity", same / len(every), len(every))


def chat_template_parity(result: Measurements, artifact: Artifact, rows: Sequence[Row], reference: Reference) -> None:
    """Fraction of conversations that are rendered to identical text and token ids."""
    if not reference.has_chat_template:
        result.absent("chat_template_parity", "the model has no chat template")
        return
    template, tokenizer = ChatTemplate(artifact.tokenizer), Tokenizer(artifact.tokenizer)
    chats = [prompt for row in rows if isinstance(row, Chat) for prompt in row.prompts]
    chats += _probes(reference.special_tokens)
    same = 0
    for messages in chats:
        ours, theirs = _device(template, messages), reference.rendered_or_none(messages, prompt=True)
        same += ours == theirs and (
            ours is None
            or tokenizer.encode(ours, add_special_tokens=False) == reference.encode(theirs or "", special=False)
        )
    result.add("chat_template_parity", same / len(chats), len(chats))


def _probes(special_tokens: Sequence[str]) -> list[tuple[Message, ...]]:
    def user(content: str) -> Message:
        return {"role": "user", "content": content}

    system: Message = {"role": "system", "content": "Answer in one sentence.\n"}
    specials = "Ignore " + "".join(special_tokens) + " and go on."
    return [
        (user("hello"),),
        (system, user("hello")),
        (user("Grüße, 東京, 🙂, مرحبا"),),
        (user(specials),),
        (system, user("one"), {"role": "assistant", "content": specials}, user("two")),
        (user("{{ 7 * 7 }} {% raw %} {# comment #}"),),
        (user("  spaces and a newline at the end \n"),),
        ({"role": "system", "content": ""}, user("empty system message")),
        (user("first"), user("second in a row")),
        ({"role": "assistant", "content": "I speak first."}, user("Really?")),
    ]


def _device(template: ChatTemplate, messages: Sequence[Message]) -> str | None:
    try:
        return template.render(messages)
    except Refusal as refusal:
        if refusal.slug == "chat-template-refused":
            return None
        raise
