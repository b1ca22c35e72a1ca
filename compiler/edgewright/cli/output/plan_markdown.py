"""A change drawn as the comment of a pull request: a summary above the fold, everything else folded away.

Invariants: at most `LIMIT_CHARACTERS`, whatever the fleet, cut between whole sections and rows; text that a person
wrote (names, subjects, paths) stands in code elements with every special character as an entity, so that it formats
nothing, links nothing and mentions nobody. `MARKER` lets CI find the comment that it has to update.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from edgewright.cli.output import plan_words as words
from edgewright.plan.change import BlueprintChange, ChangePlan, CohortChange, NextStep
from edgewright.plan.reach import Sample

LIMIT_CHARACTERS = 60_000
MARKER = "<!-- edgewright plan -->"
_COLUMNS = ("blueprint", "version", "change", "devices", "over the wire", "roll-out", "next")
_SUMMARY_ROWS = 20
_ROWS = 30
_NOTES = 20
_NAMES = 3
"""Of blueprints that have the same note."""
_LONGEST_TEXT = 160
_LONGEST_ORIGIN = 320
_SPECIAL = re.compile(r"(?!(?<=[0-9])\.(?=[0-9]))[^A-Za-z0-9 ,-]")
"""All but letters, digits, spaces, commas, dashes, and the point of a number."""
_RESERVED = 200
"""Characters kept for the line that says how much was left out."""


def render_markdown(plan: ChangePlan) -> str:
    """The comment; the same plan gives the same bytes."""
    head = [MARKER, f"**edgewright plan**: {words.headline(plan)}", ""]
    if plan.blueprints:
        head += _table(_COLUMNS, _summary(plan))
        head += _more(len(plan.blueprints) - _SUMMARY_ROWS, "blueprint")
    head += [f"Not touched: {words.untouched(plan)}.", ""]
    head += _notes(plan)
    tail = ["", f"Compared {quoted(words.revision(plan.base))} with {quoted(words.revision(plan.head))}.", ""]
    room = LIMIT_CHARACTERS - _RESERVED - _length(head) - _length(tail)
    sections: list[str] = []
    shown = 0
    for section in _sections(plan):
        if len(section) + 1 > room:
            break
        room -= len(section) + 1
        sections.append(section)
        shown += 1
    left = max(len(plan.blueprints) - shown, 0)
    return "\n".join([*head, "", *sections, *_more(left, "blueprint"), *tail])


def quoted(text: str, most: int = _LONGEST_TEXT) -> str:
    """A person's text as code: unprintable characters replaced, everything but plain letters as entities."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    return f"<code>{_SPECIAL.sub(_entity, short)}</code>" if short else ""


def _entity(match: re.Match[str]) -> str:
    character = match[0]
    return f"&#{ord(character)};" if character.isprintable() else "&#65533;"


def _length(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _summary(plan: ChangePlan) -> list[list[str]]:
    return [
        [
            quoted(change.name + words.places(change, plan)),
            quoted(words.versions(change)),
            words.classes(change.classes),
            f"{change.touched:,}",
            words.marked(change.wire_total) if change.touched else "nothing",
            words.time_of(change.duration),
            f"**{change.step}**" if change.step is NextStep.RAISE_VERSION else str(change.step),
        ]
        for change in plan.blueprints[:_SUMMARY_ROWS]
    ]


def _notes(plan: ChangePlan) -> list[str]:
    """What a reviewer has to know, above the fold: of the change, then of blueprints; the same of many is said once."""
    said: dict[str, dict[str, None]] = {}
    for change in plan.blueprints:
        for note in change.notes:
            said.setdefault(note, {})[change.name] = None
    notes = [f"- {quoted(note)}" for note in plan.notes]
    notes += [f"- {_some(list(names))}: {quoted(note)}" for note, names in said.items()]
    return [*notes[:_NOTES], *_more(len(notes) - _NOTES, "note")]


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMES
    return ", ".join(quoted(name) for name in names[:_NAMES]) + (f" and {rest:,} more" if rest > 0 else "")


def _sections(plan: ChangePlan) -> Iterable[str]:
    for change in plan.blueprints:
        yield _folded(
            f"{quoted(change.name + words.places(change, plan))}: {words.classes(change.classes)}", _blueprint(change)
        )
    if plan.untouched_blueprints.count:
        yield _folded("Not touched", [_names(plan.untouched_blueprints)])


def _folded(title: str, lines: Sequence[str]) -> str:
    return "\n".join([f"<details><summary>{title}</summary>", "", *lines, "", "</details>", ""])


def _blueprint(change: BlueprintChange) -> list[str]:
    lines = [*_cohorts(change.cohorts), *_figures(change.cohorts)]
    if change.waves:
        rows = [
            [
                quoted(wave.name),
                f"{wave.touched:,}",
                ", ".join(f"{quoted(share.name)} {share.devices:,}" for share in wave.targets[:_ROWS])
                + (" …" if len(wave.targets) > _ROWS else ""),
                f"{wave.sites:,}",
            ]
            for wave in change.waves[:_ROWS]
        ]
        lines += _table(["wave", "devices", "targets", "sites"], rows)
        lines += _more(len(change.waves) - _ROWS, "wave")
    if change.sites:
        sites = ", ".join(f"{quoted(share.name)} {share.devices:,}" for share in change.sites)
        rest = change.site_count - len(change.sites)
        lines += [f"Sites: {sites}" + (f" … and {rest:,} more" if rest > 0 else ""), ""]
    groups = change.devices
    for word, found in (
        ("added", groups.added),
        ("removed", groups.removed),
        ("retargeted", groups.retargeted),
        ("with other settings", groups.changed),
    ):
        if found.count:
            lines += [f"Devices {word}: {_names(found)}", ""]
    if change.wire_total is not None and change.touched:
        lines += [f"Over the wire: {words.marked(change.wire_total)}, {quoted(change.wire_total.origin)}", ""]
    if change.duration is not None:
        lines += [f"Roll-out: {words.time_of(change.duration)}, {quoted(change.duration.formula)}", ""]
    return lines


def _cohorts(cohorts: Sequence[CohortChange]) -> list[str]:
    rows = [
        [
            quoted(cohort.target),
            words.classes(cohort.classes),
            quoted(words.artifacts(cohort)),
            f"{cohort.devices.touched:,} of {cohort.devices.total:,}",
            words.wire(cohort),
            words.marked(cohort.headroom),
        ]
        for cohort in cohorts[:_ROWS]
    ]
    columns = ["target", "change", "artifact", "devices", "wire per device", "disk headroom"]
    return [*_table(columns, rows), *_more(len(cohorts) - _ROWS, "target")]


def _figures(cohorts: Sequence[CohortChange]) -> list[str]:
    figures = [(cohort.target, figure) for cohort in cohorts for figure in words.figures(cohort)]
    if not figures:
        return []
    rows = [
        [
            quoted(target),
            quoted(figure.name),
            words.marked(figure.before),
            words.marked(figure.after),
            words.gate(figure),
            quoted(words.origins(figure), _LONGEST_ORIGIN),
        ]
        for target, figure in figures[:_ROWS]
    ]
    columns = ["target", "number", "before", "after", "gate", "from"]
    return [*_table(columns, rows), *_more(len(figures) - _ROWS, "number")]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return [*(f"| {' | '.join(cells)} |" for cells in lines), ""]


def _more(count: int, noun: str) -> list[str]:
    return [f"… and {words.count(count, f'more {noun}')}", ""] if count > 0 else []


def _names(found: Sample) -> str:
    rest = found.count - len(found.names)
    return ", ".join(quoted(name) for name in found.names) + (f" … and {rest:,} more" if rest > 0 else "")
