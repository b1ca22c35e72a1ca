"""The declared facts of a model agree with each other."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Parameters against the least that a transformer of this shape has, and heads against the hidden size.

    The least: the embedding table (vocabulary x hidden, twice when not tied) and, for every layer, the attention's
    matrices: 2 x hidden^2 for queries and output, 2 x hidden x KV width for keys and values. The feed-forward part is
    left out, so that every usual shape has more.
    """
    facts = subject.blueprint.spec.model.facts
    if facts is None:
        return
    place = ("spec", "model", "facts")
    kv_width = facts.kv_heads * facts.head_dim
    tables = facts.vocab_size * facts.hidden_size * (1 if facts.tied_embeddings else 2)
    least = tables + facts.layers * (2 * facts.hidden_size**2 + 2 * facts.hidden_size * kv_width)
    if facts.parameters < least:
        message = f"parameters is {facts.parameters:,}, a model of this shape has at least {least:,}"
        note = f"embedding tables {tables:,} + {facts.layers} layers of attention {(least - tables):,}"
        hint = "parameters counts single weights, not millions"
        yield subject.warning("facts-implausible", message, (*place, "parameters"), notes=(note,), hint=hint)
    if kv_width > 4 * facts.hidden_size:
        message = f"kvHeads x headDim is {kv_width:,}, more than four times the hiddenSize of {facts.hidden_size:,}"
        hint = "headDim is the width of one head"
        yield subject.warning("facts-implausible", message, (*place, "headDim"), hint=hint)
