"""The report as JUnit XML, which nearly every CI server shows: a suite a document, a case a slug that was found in it.

A document without findings is one case that passes, so that a report of a good repository is not empty. Errors fail;
warnings pass with their text as output; what is allowed is skipped, with the reason.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from edgewright.cli.output.findings import Findings, full_message
from edgewright.cli.output.sources import Sources
from edgewright.cli.output.terminal import plain
from edgewright.kernel.diagnostics import Allowed, Diagnostic, Severity

_Found = list[tuple[Diagnostic, Allowed | None]]


def render(findings: Findings) -> str:
    """The document, with its counts."""
    sources = findings.sources
    top = ET.Element("testsuites", name="edgewright check")
    for place, found in _by_document(findings):
        suite = ET.SubElement(top, "testsuite", name=_clean(place))
        slugs = sorted({diagnostic.slug for diagnostic, _ in found})
        for slug in slugs:
            _case(suite, place, slug, [pair for pair in found if pair[0].slug == slug], sources)
        if not slugs:
            ET.SubElement(suite, "testcase", name="no findings", classname=_clean(place), file=_clean(place))
        _count(suite)
    for name in ("tests", "failures", "skipped"):
        top.set(name, str(sum(int(suite.get(name, "0")) for suite in top)))
    ET.indent(top)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(top, encoding="unicode") + "\n"


def _by_document(findings: Findings) -> Iterator[tuple[str, _Found]]:
    places: dict[str, _Found] = {findings.sources.path_from_here(path): [] for path in findings.documents}
    for diagnostic, allowed in findings.ordered():
        place = findings.sources.path_from_here(diagnostic.span.path) if diagnostic.span else "repository"
        places.setdefault(place, []).append((diagnostic, allowed))
    yield from sorted(places.items())


def _case(suite: ET.Element, place: str, slug: str, found: _Found, sources: Sources) -> None:
    case = ET.SubElement(suite, "testcase", name=slug, classname=_clean(place), file=_clean(place))
    standing = [diagnostic for diagnostic, allowed in found if allowed is None]
    errors = [diagnostic for diagnostic in standing if diagnostic.severity is Severity.ERROR]
    others = [diagnostic for diagnostic in standing if diagnostic.severity is not Severity.ERROR]
    reasons = [f"allowed: {allowed.reason}" for _, allowed in found if allowed is not None]
    if errors:
        failure = ET.SubElement(case, "failure", type=slug, message=_clean(errors[0].message))
        failure.text = _texts(errors, sources)
    elif reasons and not others:
        ET.SubElement(case, "skipped", message=_clean("; ".join(reasons)))
    if others:
        ET.SubElement(case, "system-out").text = _texts(others, sources)


def _texts(diagnostics: list[Diagnostic], sources: Sources) -> str:
    texts = []
    for diagnostic in diagnostics:
        span = diagnostic.span
        where = f"{sources.path_from_here(span.path)}:{span.line}:{span.column}: " if span else ""
        texts.append(where + full_message(diagnostic, sources))
    return _clean("\n\n".join(texts))


def _count(suite: ET.Element) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _clean(text: str) -> str:
    """Lines of characters that can be printed: XML 1.0 has no way to write most others, not even as a reference."""
    return "\n".join(plain(line) for line in text.split("\n"))
