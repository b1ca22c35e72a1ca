"""CEL: compiles and evaluates expressions. The one module that imports the CEL library, when the first policy is met.

Knows nothing of policies. Invariants: a compiled expression has the wanted type, uses declared variables and known
members only; evaluation ends: the library stops after 10,000 steps of loops, and typing leaves nothing else that grows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from edgewright.check.policies.cost import check_cost
from edgewright.check.policies.shapes import Shape
from edgewright.check.policies.syntax import Node, decode
from edgewright.check.policies.typing import FUNCTIONS, Problem, Typed, chains
from edgewright.kernel.diagnostics import did_you_mean

_PROBLEM = re.compile(r"^(?:[A-Z_]+: )?ERROR: <input>:(\d+):(\d+): (.*?)$", re.MULTILINE)
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_MISSING_KEY = re.compile(r'Key not found in map : "([^"]*)"')


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression that is right: what it reads, and how to evaluate it."""

    text: str
    reads: tuple[tuple[str, ...], ...]
    program: Any

    @property
    def variables(self) -> frozenset[str]:
        """Names of the variables whose values it needs."""
        return frozenset(names[0] for names in self.reads)

    def evaluate(self, values: Mapping[str, Any]) -> tuple[Any, str | None]:
        """The value, or None and the reason why there is none."""
        try:
            result = self.program.eval(data=dict(values))
        except RuntimeError as error:
            return None, _reason(str(error))
        value = result.plain_value()
        return (None, _reason(str(value))) if result.type().name() == "ERROR" else (value, None)


def compile_expression(text: str, variables: Mapping[str, Shape], kind: str) -> Compiled | list[Problem]:
    """Compile an expression that has to give a value of a kind of shape, or say everything that is wrong with it."""
    try:
        program = _environment(frozenset(variables)).compile(text)
    except RuntimeError as error:
        return _compile_problems(str(error), text, variables)
    root = decode(program.serialize())
    typed = Typed(variables)
    shape = typed.shape(root)
    problems = typed.problems
    problems += dict.fromkeys(check_cost(root))
    if not problems and shape.kind != kind:
        wanted = {"truth": "true or false", "text": "text"}[kind]
        problems.append(Problem(_start(root), f"the expression gives {shape}, {wanted} is needed"))
    return problems or Compiled(text, tuple(chains_without_loops(root)), program)


@cache
def _environment(variables: frozenset[str]) -> Any:
    """The library's environment: its types are left open, because `typing` is stricter than they are."""
    from cel_expr_python import cel  # type: ignore[import-untyped]  # noqa: PLC0415 - only where there is a policy

    return cel.NewEnv(variables=dict.fromkeys(variables, cel.Type.DYN))


def chains_without_loops(root: Node) -> list[tuple[str, ...]]:
    """What is read, without the names that loops bring."""
    own = {node.name for node in root.walk() if node.what == "loop"}
    return [names for names in chains(root) if names[0] not in own]


def _start(root: Node) -> int:
    return min(node.offset for node in root.walk())


def _compile_problems(said: str, text: str, variables: Mapping[str, Shape]) -> list[Problem]:
    lines = text.split("\n")
    found: dict[int, Problem] = {}
    for line, column, message in _PROBLEM.findall(said):
        offset = sum(len(before) + 1 for before in lines[: int(line) - 1]) + int(column) - 1
        name = _UNDECLARED.search(message)
        if name is None:
            found.setdefault(offset, Problem(offset, _reason(message)))
            continue
        root, _, rest = name[1].partition(".")
        known = (*variables, *FUNCTIONS)
        offset -= len(root) if rest and text[offset : offset + 1] == "." else 0
        found.setdefault(max(0, offset), Problem(max(0, offset), f"there is no {root!r}", did_you_mean(root, known)))
    return list(found.values()) or [Problem(0, _reason(said))]


def _reason(said: str) -> str:
    """What the library says, in a line, without its own names of states."""
    first = _STATUS.sub("", _STATUS.sub("", said.split("\n", 1)[0])).replace("ERROR: ", "")
    if "recursion" in first:
        return "the expression is nested too deep, or has more than 30 operators in a row"
    missing = _MISSING_KEY.search(first)
    if missing is not None:
        return f"{missing[1]} is absent; ask has(…) first"
    if "Iteration budget exceeded" in first:
        return "its loops take more than 10,000 steps"
    shown = "".join(c if c.isprintable() else " " for c in first.split(" expecting {")[0])
    return shown[:1].lower() + shown[1:200]
