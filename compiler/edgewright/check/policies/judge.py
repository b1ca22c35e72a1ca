"""Judging: the rules of an organisation over the blueprints of a repository.

Pure but for the facts that a rule asks for (a commit's signature); `today` is passed in. Owns where a broken rule is
shown, what waivers do, and what is said of waivers themselves. Invariant: a rule that cannot be judged is said so, and
one that fails to evaluate counts as broken.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from edgewright.check.policies.facts import PLACES, Facts, Shared, UnknownFactError
from edgewright.check.policies.rules import PlacedWaiver, Rule, compile_rules
from edgewright.check.revision import CheckedCommit
from edgewright.check.rule import Subject
from edgewright.check.whole import MOST_REPORTED
from edgewright.kernel.diagnostics import Diagnostic, Related, Severity, Span
from edgewright.load.documents import Repository
from edgewright.plugins.registry import Registry
from edgewright.spec.v1beta1.policy import PolicyMatch

ENDING_SOON = timedelta(days=14)
_LONGEST_MESSAGE = 500


@dataclass(slots=True)
class _Used:
    """What a waiver was needed for in this run."""

    matched: bool = False
    needed: bool = False


@dataclass(slots=True)
class _Run:
    today: date
    used: dict[tuple[str, Span], _Used] = field(default_factory=dict)


def judge(
    repository: Repository, registry: Registry, today: date, *, commit: CheckedCommit | None = None
) -> Iterator[Diagnostic]:
    """Everything that the repository's policies say about its blueprints, and about their own waivers.

    `commit` is the one whose files they are, when the repository is not a working tree.
    """
    rules, problems = compile_rules(repository)
    yield from problems
    run = _Run(today)
    shared = Shared(repository, today, commit)
    for loaded in repository.blueprints.values():
        facts = Facts(Subject(loaded, repository, registry), shared)
        for rule in rules:
            if all(_matches(match, facts) for match in rule.matches):
                yield from _judged(rule, facts, run)
    yield from _about_waivers(rules, repository, run)


def _matches(match: PolicyMatch, facts: Facts) -> bool:
    metadata = facts.subject.blueprint.metadata
    environment = facts.subject.repository.environment or ""
    return (
        _is_one(metadata.name, match.blueprints)
        and _is_one(environment, match.environments)
        and all(metadata.labels.get(name) == value for name, value in match.labels.items())
    )


def _is_one(name: str, patterns: tuple[str, ...] | None) -> bool:
    return patterns is None or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _judged(rule: Rule, facts: Facts, run: _Run) -> Iterator[Diagnostic]:
    """One rule on one blueprint: what breaks it, unless that is waived."""
    name = facts.subject.name
    waivers = [w for w in rule.waivers if _is_one(name, w.waiver.blueprints)]
    for waiver in waivers:
        run.used.setdefault((rule.title, waiver.span), _Used()).matched = True
    try:
        broken = list(_broken(rule, facts))
    except UnknownFactError as error:
        yield Diagnostic(
            "policy-not-judged",
            f"{rule.title} was not judged: {error}",
            span=facts.subject.loaded.spans.span(("metadata", "name")),
            related=(Related(rule.span, "the rule"),),
            hint="mend that first, and check again",
            severity=Severity.WARNING,
        )
        return
    if not broken:
        return
    for waiver in waivers:
        run.used[(rule.title, waiver.span)].needed = True
    if any(waiver.waiver.expires >= run.today for waiver in waivers):
        return
    expired = tuple(f"waiver of {w.waiver.owner} expired on {w.waiver.expires}" for w in waivers)
    places = tuple(Related(w.span, "the expired waiver") for w in waivers)
    for found in broken[:MOST_REPORTED]:
        yield replace(found, notes=(*found.notes, *expired), related=(*found.related, *places))
    if len(broken) > MOST_REPORTED:
        rest = len(broken) - MOST_REPORTED
        yield _violation(rule, f"{rest:,} more break {rule.title}", broken[MOST_REPORTED].span)


def _broken(rule: Rule, facts: Facts) -> Iterator[Diagnostic]:
    """What breaks a rule, each at its place."""
    values = {name: facts.value(name) for name in rule.variables if name != rule.rule.each}
    if rule.rule.each is None:
        found = _evaluated(rule, values, _place(rule, facts))
        if found is not None:
            yield found
        return
    for value, span in facts.each(rule.rule.each):
        found = _evaluated(rule, {**values, rule.rule.each: value}, span)
        if found is not None:
            yield found


def _evaluated(rule: Rule, values: dict[str, Any], span: Span) -> Diagnostic | None:
    kept, reason = rule.condition.evaluate(values)
    if kept is True:
        return None
    message = rule.rule.message
    if reason is None and rule.wording is not None:
        said, problem = rule.wording.evaluate(values)
        message = _one_line(said) if problem is None and said else message
    found = _violation(rule, f"{message} ({rule.policy}/{rule.rule.id})", span)
    return found if reason is None else replace(found, notes=(f"the rule cannot be evaluated: {reason}",))


def _violation(rule: Rule, message: str, span: Span | None) -> Diagnostic:
    related = (Related(rule.span, rule.title),)
    severity = Severity(rule.rule.severity)
    hint = "do what the rule asks for, or have those who own the policy write a waiver into it"
    return Diagnostic("policy-violation", message, span=span, related=related, severity=severity, hint=hint)


def _one_line(text: str) -> str:
    """Text of an expression may hold what a blueprint says: it is shown, never interpreted."""
    return "".join(c if c.isprintable() else " " for c in text)[:_LONGEST_MESSAGE]


def _place(rule: Rule, facts: Facts) -> Span:
    """The first value of the blueprint that the rule reads and that is written there; else the blueprint's name."""
    spans = facts.subject.loaded.spans
    for names in rule.condition.reads:
        root = PLACES.get(names[0])
        if root is None:
            continue
        path = (*root, *names[1:])
        while len(path) > 1:
            if path in spans.values:
                return spans.span(path)
            path = path[:-1]
    return spans.span(("metadata", "name"))


def _about_waivers(rules: list[Rule], repository: Repository, run: _Run) -> Iterator[Diagnostic]:
    """Waivers that end soon, that name no blueprint, or that nobody needs any more.

    That nobody needs one is only known where all that the rule is about was judged.
    """
    for rule in rules:
        is_whole = not repository.is_selection and repository.environment is None
        is_whole &= all(match.environments is None for match in rule.matches)
        for waiver in rule.waivers:
            used = run.used.get((rule.title, waiver.span), _Used())
            if used.needed:
                left = waiver.waiver.expires - run.today
                if timedelta(0) <= left <= ENDING_SOON:
                    yield _ends_soon(rule, waiver, left.days)
            elif is_whole:
                yield _unused(rule, waiver, used)


def _ends_soon(rule: Rule, waiver: PlacedWaiver, days: int) -> Diagnostic:
    when = "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
    message = f"the waiver of {waiver.waiver.owner} for {rule.title} ends {when}, on {waiver.waiver.expires}"
    hint = "keep the rule, or agree on another day"
    return Diagnostic("waiver-expiring", message, span=waiver.span, hint=hint, severity=Severity.WARNING)


def _unused(rule: Rule, waiver: PlacedWaiver, used: _Used) -> Diagnostic:
    reason = "every blueprint it names keeps the rule" if used.matched else "no blueprint that the rule is about"
    if not used.matched:
        reason = f"{', '.join(waiver.waiver.blueprints)} names {reason}"
    message = f"the waiver of {waiver.waiver.owner} for {rule.title} is not needed: {reason}"
    return Diagnostic("waiver-unused", message, span=waiver.span, hint="remove it", severity=Severity.WARNING)
