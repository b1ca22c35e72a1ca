"""Every complete document that the documentation shows is one that edgewright reads."""

from __future__ import annotations

import pytest
from tests.docs.test_commands import PAGES, name_of

from edgewright.load.drafts import read_drafts, validate
from edgewright.load.tree import Candidate
from edgewright.spec.v1beta1.documents import KINDS

_DOCUMENTS = [
    pytest.param(f"{name_of(page)}:{line}", text, id=f"{name_of(page)}:{line}")
    for page in PAGES
    for line, text in page.documents
]


@pytest.mark.parametrize(("place", "text"), _DOCUMENTS)
def test_document_is_read_without_a_mistake(place: str, text: str) -> None:
    data = text.encode("utf-8")
    reading = read_drafts([Candidate(place, data, len(data), is_document=True)])
    assert reading.problems == []
    assert [validate(draft.parsed, KINDS[draft.kind])[1] for draft in reading.drafts] == [[]]


def test_every_kind_that_people_write_is_shown_whole() -> None:
    shown = {KINDS[draft.kind] for draft in read_drafts(_candidates()).drafts}
    assert {KINDS[kind] for kind in KINDS if kind != "Lock"} <= shown


def _candidates() -> list[Candidate]:
    texts = [text.encode("utf-8") for page in PAGES for _, text in page.documents]
    return [Candidate(f"{number}.yaml", data, len(data), is_document=True) for number, data in enumerate(texts)]
