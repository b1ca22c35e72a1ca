"""How the inspector says no.

Owns one exception. Standard library only: `check`, `acquire` and the import worker all catch it, each turns it into the
error of its own world.
"""

from __future__ import annotations


class RefusedError(Exception):
    """A model file is not accepted.

    `slug` names the rule, `file` the file as the user knows it; `line` and `column` count from 1 and are known only
    for text files. `message` is one line: the file first, the number that is wrong and the number allowed.
    """

    def __init__(
        self,
        slug: str,
        file: str,
        problem: str,
        *,
        hint: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.slug = slug
        self.file = file
        self.problem = problem
        self.hint = hint
        self.line = line
        self.column = column
        place = file if line is None else f"{file}:{line}:{column or 1}"
        self.message = f"{place}: {problem}"
        super().__init__(self.message)
