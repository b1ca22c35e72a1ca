"""Rules of policies, compiled: every expression of every policy once a run, with what is wrong at its column.

Owns the way from a policy document, and from those that ship with edgewright and that it extends, to rules that can be
judged. Reads a policy's file a second time only to say a column. Invariant: a rule with a wrong expression is reported
once and never judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath

from edgewright.check.policies.cel import Compiled, compile_expression
from edgewright.check.policies.columns import place_of
from edgewright.check.policies.facts import shapes
from edgewright.kernel.diagnostics import Diagnostic, Span, did_you_mean
from edgewright.kernel.digest import digest_bytes
from edgewright.kernel.resources import share_folder
from edgewright.load.documents import Loaded, Repository, shipped_policies
from edgewright.load.places import Path
from edgewright.load.tree import SHIPPED
from edgewright.spec.v1beta1.policy import Policy, PolicyMatch, PolicyRule, Waiver


@dataclass(frozen=True, slots=True)
class PlacedWaiver:
    """A waiver and where it is written."""

    waiver: Waiver
    span: Span


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can be judged: for whom, by what, and who may break it. `brought_by` is the repository's policy."""

    policy: str
    brought_by: str
    rule: PolicyRule
    matches: tuple[PolicyMatch, ...]
    condition: Compiled
    wording: Compiled | None
    waivers: tuple[PlacedWaiver, ...]
    span: Span

    @property
    def title(self) -> str:
        """The rule in words."""
        return f"rule {self.rule.id} of policy {self.policy}"

    @property
    def variables(self) -> frozenset[str]:
        """The variables that judging it needs."""
        words = self.wording.variables if self.wording else frozenset()
        return self.condition.variables | words


def compile_rules(repository: Repository) -> tuple[list[Rule], list[Diagnostic]]:
    """Every rule of the repository's policies and of those they extend; what is wrong with the others."""
    rules: list[Rule] = []
    problems: list[Diagnostic] = []
    shipped: Mapping[str, Loaded[Policy]] = {}
    if any(loaded.document.spec.extends for loaded in repository.policies.values()):
        shipped = shipped_policies()
    for _, loaded in sorted(repository.policies.items()):
        sources = [loaded]
        for index, name in enumerate(loaded.document.spec.extends):
            if name in shipped:
                sources.append(shipped[name])
            else:
                span = loaded.spans.span(("spec", "extends", index))
                hint = did_you_mean(name, shipped)
                message = f"edgewright ships no policy {name!r}"
                problems.append(Diagnostic("unknown-policy", message, span=span, hint=hint))
        known = [rule.id for source in sources for rule in source.document.spec.rules]
        problems += _unknown_waivers(loaded, known)
        for source in sources:
            for index in range(len(source.document.spec.rules)):
                found = _compiled(repository, loaded, source, index)
                if isinstance(found, Rule):
                    rules.append(found)
                else:
                    problems += found
    return rules, problems


def _unknown_waivers(loaded: Loaded[Policy], known: list[str]) -> Iterator[Diagnostic]:
    for index, waiver in enumerate(loaded.document.spec.waivers):
        if waiver.rule not in known:
            span = loaded.spans.span(("spec", "waivers", index, "rule"))
            message = f"the waiver is of rule {waiver.rule!r}, which {loaded.document.metadata.name} does not have"
            yield Diagnostic("unknown-rule", message, span=span, hint=did_you_mean(waiver.rule, known))


def _compiled(
    repository: Repository, owner: Loaded[Policy], source: Loaded[Policy], index: int
) -> Rule | list[Diagnostic]:
    rule = source.document.spec.rules[index]
    place: Path = ("spec", "rules", index)
    condition = _expression(repository, source, (*place, "expression"), rule.expression, rule.each, "truth")
    wording: Compiled | None = None
    problems = condition if isinstance(condition, list) else []
    if rule.message_expression is not None:
        text = _expression(
            repository, source, (*place, "messageExpression"), rule.message_expression, rule.each, "text"
        )
        if isinstance(text, list):
            problems = problems + text
        else:
            wording = text
    if problems or isinstance(condition, list):
        return problems
    waivers = [
        PlacedWaiver(waiver, source.spans.span((*place, "waivers", number)))
        for number, waiver in enumerate(rule.waivers)
    ]
    waivers += [
        PlacedWaiver(waiver, owner.spans.span(("spec", "waivers", number)))
        for number, waiver in enumerate(owner.document.spec.waivers)
        if waiver.rule == rule.id
    ]
    matches = tuple({id(loaded): loaded.document.spec.match for loaded in (owner, source)}.values())
    name, by = source.document.metadata.name, owner.document.metadata.name
    span = source.spans.span((*place, "id"))
    return Rule(name, by, rule, matches, condition, wording, tuple(waivers), span)


def _expression(
    repository: Repository, loaded: Loaded[Policy], path: Path, text: str, each: str | None, kind: str
) -> Compiled | list[Diagnostic]:
    found = compile_expression(text, shapes(each), kind)
    if isinstance(found, Compiled):
        return found
    span = loaded.spans.span(path)
    source = _source(repository, loaded, span.path)
    return [
        Diagnostic(
            "policy-expression",
            f"{loaded.document.metadata.name}: {problem.message}",
            span=place_of(source, span, text, problem.offset) if source is not None else span,
            hint=problem.hint,
        )
        for problem in found
    ]


def _source(repository: Repository, loaded: Loaded[Policy], path: str) -> str | None:
    """The text of a policy's file, if it is still the one that was read."""
    file = share_folder() / path.removeprefix(SHIPPED) if path.startswith(SHIPPED) else repository.root / path
    try:
        data = FilePath(file).read_bytes()
    except OSError:
        return None
    known = {origin.digest for origin in loaded.origins if origin.path == path}
    return data.decode(errors="replace") if digest_bytes(data) in known else None
