"""A view of a Relax function as a list of nodes with their users, and the way back to a function.

Owns reading shapes, constants and single-user chains out of Relax. Invariant: nodes are in an order in which every
value is defined before it is used, and rewriting keeps the variables that survive.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tvm
from tvm import relax


@dataclass(eq=False, slots=True)
class Node:
    """One binding: `variable = value`."""

    variable: relax.Var
    value: relax.Expr

    @property
    def operation(self) -> str:
        """The operator's name, or "" for anything but an operator call."""
        operator = getattr(self.value, "op", None)
        return str(getattr(operator, "name", "")) if isinstance(self.value, relax.Call) else ""

    @property
    def arguments(self) -> list[relax.Expr]:
        """The operands of a call."""
        return list(self.value.args) if isinstance(self.value, relax.Call) else []


def key(variable: relax.Var) -> int:
    """What a variable is known by in dictionaries."""
    return hash(variable)


def constant(expression: Any) -> np.ndarray | None:
    """The array behind a constant, or None."""
    return expression.value.numpy() if isinstance(expression, tvm.ir.GenericConst) else None


def scalar(expression: Any) -> float | None:
    """The number behind a constant of one element, or None."""
    array = constant(expression)
    return float(array.reshape(-1)[0]) if array is not None and array.size == 1 else None


def shape(expression: Any) -> tuple[int, ...]:
    """The static shape of a tensor."""
    return tuple(int(extent) for extent in expression.ty.shape)


def dtype(expression: Any) -> str:
    """The element type of a tensor."""
    return str(expression.ty.dtype)


def elements(expression: Any) -> int:
    """How many elements a tensor has."""
    return math.prod(shape(expression))


@dataclass(eq=False, slots=True)
class Graph:
    """The nodes of one function, in order, and who reads what."""

    function: relax.Function
    nodes: list[Node]
    output: relax.Expr
    _made_by: dict[int, int] = field(default_factory=dict)
    _users: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, module: tvm.IRModule) -> Graph:
        """Read `main`."""
        function = module["main"]
        nodes = [Node(binding.var, binding.value) for block in function.body.blocks for binding in block.bindings]
        output = function.body.body
        graph = cls(function, nodes, output)
        graph.index()
        return graph

    def index(self) -> None:
        """Recompute who makes and who uses each value; call after changing `nodes`."""
        self._made_by = {key(node.variable): position for position, node in enumerate(self.nodes)}
        users: dict[int, list[int]] = defaultdict(list)
        for position, node in enumerate(self.nodes):
            for variable in relax.analysis.free_vars(node.value):
                users[key(variable)].append(position)
        users[key(self.output)].append(len(self.nodes))
        self._users = dict(users)

    def maker(self, expression: object) -> Node | None:
        """The node that computes a value; None for inputs and constants."""
        position = self.position(expression)
        return None if position is None else self.nodes[position]

    def position(self, expression: object) -> int | None:
        """Where a value is computed in `nodes`; None for inputs and constants."""
        return self._made_by.get(key(expression)) if isinstance(expression, relax.Var) else None

    def users(self, expression: relax.Var) -> list[int]:
        """Positions of the nodes that read a value; one past the last node stands for the output."""
        return self._users.get(key(expression), [])

    def function_of(self, nodes: Iterable[Node]) -> relax.Function:
        """The same function with other nodes."""
        block = relax.DataflowBlock([relax.VarBinding(node.variable, node.value) for node in nodes])
        body = relax.SeqExpr([block], self.output)
        return relax.Function(self.function.params, body, self.function.ret_ty, attrs=self.function.attrs)
