"""The longest library that is built reads the whole context."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.check.rule import Subject
from edgewright.kernel.diagnostics import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """`sequenceLengths` of every build that can be made, against the model's context."""
    context = subject.blueprint.spec.model.context
    made = {id(variant.build) for variant in subject.variants if variant.refusal is None}
    for index, build in enumerate(subject.blueprint.spec.builds):
        if id(build) not in made or not build.sequence_lengths:
            continue
        longest = max(build.sequence_lengths)
        if longest < context:
            message = f"the longest of sequenceLengths is {longest} tokens, the context is {context}"
            hint = f"add {context}: devices refuse what is longer than {longest} tokens"
            place = ("spec", "builds", index, "sequenceLengths")
            yield subject.warning("sequence-length-short", message, place, hint=hint)
