"""Migration: the text of a document in another API version, with its comments.

Pure. A document that its own version does not accept is refused, and so is one whose text would lose a comment or read
as something else: nothing is returned that was not read back.
"""

from __future__ import annotations

import re

from edgewright.kernel.diagnostics import Diagnostic
from edgewright.load.conflicts import find_conflict
from edgewright.load.drafts import unusable, validate
from edgewright.load.rewrite import comments, rewrite
from edgewright.load.yaml12 import Parsed, parse
from edgewright.spec.changes import Change, apply
from edgewright.spec.versions import SERVED, from_newest, kinds_of, newer, older, short, towards_newest

_BOM = "\ufeff"
_SCHEMA = r"(#\s*yaml-language-server:\s*\$schema=\S*\.){}(\.json)"


def migrate(data: bytes, path: str, to: str) -> tuple[bytes | None, list[Diagnostic]]:
    """The bytes of a document in the version `to`, or everything that is wrong with it.

    The same bytes come back when the document is in that version already.
    """
    conflict = find_conflict(data, path)
    if conflict is not None:
        return None, [conflict]
    parsed, problems = parse(data, path)
    if parsed is None or problems:
        return None, problems
    problem = unusable(parsed)
    if problem is not None:
        return None, [problem]
    kind, version = parsed.value["kind"], parsed.value["apiVersion"]
    document, errors = validate(parsed, kinds_of(version)[kind])
    if document is None:
        return None, errors
    text = data.decode("utf-8")
    head, text = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    while version != to:
        is_upwards = SERVED.index(version) > SERVED.index(to)
        step = newer(version) if is_upwards else older(version)
        if kind not in kinds_of(step):
            return None, [_by_hand(parsed, f"{step} has no kind {kind}")]
        changes = (towards_newest(version) if is_upwards else from_newest(step))(kind, parsed.value)
        text, parsed, errors = _step(text, parsed, changes, (version, step))
        if errors:
            return None, errors
        version = step
    return (head + text).encode(), []


def _step(
    text: str, parsed: Parsed, changes: list[Change], versions: tuple[str, str]
) -> tuple[str, Parsed, list[Diagnostic]]:
    """One version further, read back: value and comments are what they should be, and the version accepts it."""
    schema = re.compile(_SCHEMA.format(short(versions[0])))
    renamed = rf"\g<1>{short(versions[1])}\2"
    new_text = schema.sub(renamed, rewrite(text, changes))
    new, problems = parse(new_text.encode(), parsed.spans.path)
    if new is None or problems or new.value != apply(parsed.value, changes):
        return text, parsed, [_by_hand(parsed, "its text cannot be edited safely")]
    if comments(new_text) != [schema.sub(renamed, comment) for comment in comments(text)]:
        return text, parsed, [_by_hand(parsed, "a comment stands inside what changes")]
    document, errors = validate(new, kinds_of(versions[1])[new.value["kind"]])
    if document is None:
        reasons = "; ".join(error.message for error in errors[:3])
        return text, parsed, [_by_hand(parsed, f"{versions[1]} has no words for it: {reasons}")]
    return new_text, new, []


def _by_hand(parsed: Parsed, why: str) -> Diagnostic:
    message = f"{parsed.spans.path} cannot be migrated: {why}"
    hint = "write this document anew by hand; edgewright schema KIND prints every key"
    return Diagnostic("migrate-refused", message, span=parsed.spans.span(("apiVersion",)), hint=hint)
