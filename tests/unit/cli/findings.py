"""Findings for the tests of reports: ordinary ones over a small document, and hostile ones."""

from __future__ import annotations

from pathlib import Path

from edgewright.cli.output.findings import Findings
from edgewright.kernel.diagnostics import Allowed, Diagnostic, Edit, Fix, Related, Severity, Span

DOCUMENT = """apiVersion: edgewright/v1beta1
kind: Blueprint
# edgewright: allow canary-size because there is one shop
spec:
  model:
    contxt: 2048
    source: {type: whel}
"""

HOSTILE = "a,b:c%d::e\n::error::f\r\x1b[31m\u202eg\u2066\x00\x07\ufffe\ud800<&\"']]>--{{ x }}$(reboot)\x9b1m\u2028h"
"""What would end a property, a message, a line, an attribute or a section; move a cursor; or be no character of XML."""


def ordinary(folder: Path) -> Findings:
    """One of each severity, with a fix, related places, an allowance and a place that is nowhere."""
    (folder / "overlays").mkdir()
    (folder / "blueprint.yaml").write_text(DOCUMENT, encoding="utf-8")
    (folder / "overlays" / "ä b.yaml").write_text("spec: {model: {context: 9}}\n", encoding="utf-8")
    key = Span("blueprint.yaml", 6, 5, 6, 11)
    mistake = Diagnostic(
        "unknown-key",
        "'contxt' is not a key of spec.model",
        span=key,
        hint="did you mean 'context'?",
        fix=Fix("write 'context'", (Edit(key, "context"),)),
    )
    too_large = Diagnostic(
        "target-memory",
        "assistant needs 1.9 GiB on pi, 1.6 GiB allowed",
        span=Span("overlays/ä b.yaml", 1, 25, 1, 26),
        notes=("weights 1.1 + cache 0.6 + runtime 0.2, estimated",),
        related=(Related(Span("blueprint.yaml", 5, 3, 5, 8), "used here"),),
        severity=Severity.WARNING,
    )
    hint = Diagnostic("unknown-slug", "note: nothing", severity=Severity.NOTE, subject="shops")
    allowed = Diagnostic("canary-size", "the canary is the fleet", span=Span("blueprint.yaml", 4, 1, 4, 5))
    comment = Span("blueprint.yaml", 3, 1, 3, 58)
    return Findings(
        (mistake, too_large, hint),
        (Allowed(allowed, "there is one shop", comment),),
        documents=("blueprint.yaml", "fleet.yaml"),
        root=folder,
        details={"blueprints": ["assistant"], "estimates": []},
    )


def hostile(folder: Path) -> Findings:
    """Text that attacks forms in every field that may come from a document or a file's name."""
    name = HOSTILE.replace("\x00", "").replace("/", "")
    span = Span(f"sub,dir/{name}.yaml", 1, 1, 2, 3)
    fix = Fix(HOSTILE, (Edit(span, HOSTILE),))
    everywhere = Diagnostic(
        "wrong-value", HOSTILE, span=span, notes=(HOSTILE,), hint=HOSTILE, related=(Related(span, HOSTILE),), fix=fix
    )
    nowhere = Diagnostic("symlink", HOSTILE, subject=HOSTILE)
    allowed = Diagnostic("canary-size", HOSTILE, span=span)
    return Findings((everywhere, nowhere), (Allowed(allowed, HOSTILE, span),), documents=(span.path,), root=folder)
