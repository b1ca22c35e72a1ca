"""The gibberish smoke test: let the artifact answer a few prompts and see whether the answers are language.

Owns the prompts and the fourth test (the reference's perplexity of each answer); the three tests that need no model
and all bounds are in `metrics.gibberish`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from edgewright.metrics.dataset import Chat, Message, Row
from edgewright.metrics.generation.worker.divergence import mean_nll
from edgewright.metrics.generation.worker.reference import Reference
from edgewright.metrics.gibberish import LARGEST_PERPLEXITY, faults, lexicon_of, verdict
from edgewright.metrics.measurements import Measurements

MOST_PROMPTS = 8
SHORTEST_ANSWER = 4


def prompts_of(rows: Sequence[Row], reference: Reference) -> list[list[Message] | str]:
    """Up to eight prompts: first turns of conversations that the template takes, then beginnings of other rows."""
    chats: list[list[Message] | str] = [
        list(row.prompts[0])
        for row in rows
        if isinstance(row, Chat) and row.prompts and reference.renders(row.prompts[0])
    ]
    texts: list[list[Message] | str] = [" ".join(row.text.split()[:24]) for row in rows if not isinstance(row, Chat)]
    return [*chats, *texts][:MOST_PROMPTS]


def gibberish_smoke(
    result: Measurements,
    answers: Sequence[Mapping[str, Any]],
    texts: Sequence[str],
    reference: Reference,
    note: str | None,
) -> None:
    """1 when at most a quarter of the answers has a fault, else 0; the note says which faults."""
    lexicon = lexicon_of(texts, reference.vocabulary)
    found = [_faults(answer, lexicon, reference) for answer in answers]
    counts = Counter(fault for answer in found for fault in answer)
    bad = sum(1 for answer in found if answer)
    told = f"{bad} of {len(found)} answers bad" + (f" ({_listed(counts)})" if counts else "")
    result.add("gibberish_smoke", float(verdict(found)), len(found), f"{note}; {told}" if note else told)


def _faults(answer: Mapping[str, Any], lexicon: frozenset[str], reference: Reference) -> tuple[str, ...]:
    found = faults(answer["text"], lexicon)
    prompt, ids = answer["prompt_ids"], answer["ids"]
    if len(ids) >= SHORTEST_ANSWER:
        whole = [*prompt, *ids]
        if math.exp(min(mean_nll(whole, reference.logits(whole), len(prompt)), 50.0)) > LARGEST_PERPLEXITY:
            found = (*found, "unlikely")
    return found


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
