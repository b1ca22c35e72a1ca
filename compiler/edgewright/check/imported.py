"""What a blueprint declares about its model beside what its import found. Pure.

Budgets are estimated from declared facts before anything is fetched; here they are proved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic.alias_generators import to_camel

from edgewright.check.budget import ModelFacts
from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.documents import Loaded
from edgewright.spec.v1beta1.blueprint import Blueprint


def wrong_facts(loaded: Loaded[Blueprint], imported: ModelFacts) -> Iterator[Diagnostic]:
    """Every fact that is declared and is another in the imported model, at its line; nothing when none is declared."""
    model = loaded.document.spec.model
    if model.facts is None:
        return
    for name, said, found in ModelFacts.from_declared(model.facts).differences(imported):
        if name == "tied_embeddings" and model.task != "text-generation":
            continue  # an encoder has no output matrix to tie
        key = to_camel(name)
        yield Diagnostic(
            "facts-wrong",
            f"{loaded.document.metadata.name} declares {key} {json.dumps(said)}, "
            f"the imported model has {json.dumps(found)}",
            span=loaded.spans.span(("spec", "model", "facts", key)),
            hint=f"write {key}: {json.dumps(found)}",
        )
