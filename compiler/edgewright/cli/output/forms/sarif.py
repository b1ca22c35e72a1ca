"""The report as SARIF 2.1.0 (OASIS, errata 01), which code hosts and editors read.

Pure but for the lines and pages that are read. Paths are relative to `%SRCROOT%`, the folder that edgewright was run
in, which is described and not named: the same commit gives the same bytes on every machine.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from edgewright.check.pages import Page, catalogue
from edgewright.cli.output.findings import Findings, fingerprints, full_message, well_formed
from edgewright.cli.output.pages import summary_of
from edgewright.cli.output.sources import SHIPPED, Sources
from edgewright.kernel.diagnostics import Allowed, Diagnostic, Fix, Related, Severity, Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Surrogates that stand for no byte of a file's name, so they come from elsewhere."""
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_Values = dict[str, Any]


def render(findings: Findings) -> str:
    """A log of one run."""
    sources = findings.sources
    ordered = findings.ordered()
    marks = fingerprints([diagnostic for diagnostic, _ in ordered], sources)
    slugs = sorted({diagnostic.slug for diagnostic, _ in ordered})
    levels = {diagnostic.slug: diagnostic.severity for diagnostic, _ in reversed(ordered)}
    pages = catalogue() if slugs else {}
    writer = _Writer(sources, findings.root.as_posix(), {slug: index for index, slug in enumerate(slugs)})
    run: _Values = {
        "tool": {"driver": _driver([_rule(slug, levels[slug], pages.get(slug)) for slug in slugs])},
        "automationDetails": {"id": "edgewright/check/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that edgewright was run in."}}},
        "invocations": [{"executionSuccessful": True}],
        "results": [writer.result(d, allowed, mark) for (d, allowed), mark in zip(ordered, marks, strict=True)],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(well_formed(log), indent=2) + "\n"


def _driver(rules: list[_Values]) -> _Values:
    from importlib.metadata import version

    return {"name": "edgewright", "semanticVersion": version("edgewright"), "rules": rules}


def _rule(slug: str, severity: Severity, page: Page | None) -> _Values:
    """What the page of a slug says; where there is none, its name must do."""
    rule: _Values = {"id": slug, "defaultConfiguration": {"level": _LEVELS[severity]}}
    if page is None:
        return rule | {"shortDescription": {"text": slug}}
    return rule | {
        "helpUri": f"{SHIPPED}explain/{slug}",
        "shortDescription": {"text": summary_of(slug, page)},
        "fullDescription": {"text": " ".join(page.sections["What it checks"].split())},
        "help": {"text": page.text, "markdown": page.text},
    }


class _Writer:
    """Makes results; knows where files are and the position of each rule."""

    def __init__(self, sources: Sources, root: str, rules: dict[str, int]) -> None:
        self._sources = sources
        self._root = root
        self._rules = rules

    def result(self, diagnostic: Diagnostic, allowed: Allowed | None, fingerprint: str) -> _Values:
        """A result; one that stands has no suppressions, which differs from nothing being known of them."""
        result: _Values = {
            "ruleId": diagnostic.slug,
            "ruleIndex": self._rules[diagnostic.slug],
            "level": _LEVELS[diagnostic.severity],
            "message": {"text": full_message(diagnostic, self._sources)},
            "locations": [{"physicalLocation": self._place_of(diagnostic)}],
            "partialFingerprints": {"edgewright/v1": fingerprint},
            "suppressions": [],
        }
        if diagnostic.related:
            result["relatedLocations"] = [self._related(n, item) for n, item in enumerate(diagnostic.related)]
        if diagnostic.fix and not any(edit.span.path.startswith(SHIPPED) for edit in diagnostic.fix.edits):
            result["fixes"] = [self._fix(diagnostic.fix)]
        if allowed is not None:
            location = {"physicalLocation": self._place(allowed.span)}
            result["suppressions"] = [
                {"kind": "inSource", "status": "accepted", "justification": allowed.reason, "location": location}
            ]
        return result

    def _place_of(self, diagnostic: Diagnostic) -> _Values:
        """Its place; the repository itself when it has none, because readers refuse results without a location."""
        if diagnostic.span is not None:
            return self._place(diagnostic.span)
        path = self._sources.path_from_here(self._root)
        return {"artifactLocation": self._artifact("./" if path == "." else f"{path}/")}

    def _place(self, span: Span) -> _Values:
        path = self._sources.path_from_here(span.path)
        return {"artifactLocation": self._artifact(path), "region": _region(span)}

    def _artifact(self, path: str) -> _Values:
        if path.startswith(SHIPPED):
            return {"uri": SHIPPED + _quoted(path.removeprefix(SHIPPED))}
        if path.startswith("/"):
            return {"uri": f"file://{_quoted(path)}"}
        return {"uri": _quoted(path), "uriBaseId": _ROOT}

    def _related(self, number: int, related: Related) -> _Values:
        place = self._place(related.span)
        return {"id": number, "physicalLocation": place, "message": {"text": related.message}}

    def _fix(self, fix: Fix) -> _Values:
        paths = sorted({edit.span.path for edit in fix.edits})
        changes = [
            {
                "artifactLocation": self._artifact(self._sources.path_from_here(path)),
                "replacements": [
                    {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.replacement}}
                    for edit in fix.edits
                    if edit.span.path == path
                ],
            }
            for path in paths
        ]
        return {"description": {"text": fix.description}, "artifactChanges": changes}


def _quoted(path: str) -> str:
    """A path as part of a URI; what is not UTF-8 in a file's name keeps its bytes."""
    quoted = quote(_NO_BYTE.sub("\ufffd", path).encode("utf-8", "surrogateescape"), safe="/")
    first = quoted.split("/", 1)[0]
    return f"./{quoted}" if ":" in first else quoted


def _region(span: Span) -> _Values:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
