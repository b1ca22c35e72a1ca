"""How anything on the device says no.

Owns the one exception of the device package and its exit statuses. Must not know who prints it: the agent's boundary
makes JSON of it, the service an HTTP error, an evaluation worker a failed measurement.

Invariants: the slug is stable and documented; the message is one line, subject first, with the number that is wrong
and the number that is allowed; the hint says what to do next.
"""

from __future__ import annotations

OK, BUG, REFUSED, UNHEALTHY, MISSING = 0, 1, 3, 4, 7
"""Exit statuses of the agent."""


class Refusal(Exception):  # noqa: N818  an answer the caller expects, not a failure
    """The device refuses; nothing was changed. `exit_code` is one of REFUSED, UNHEALTHY, MISSING."""

    def __init__(self, slug: str, message: str, *, hint: str | None = None, exit_code: int = REFUSED) -> None:
        super().__init__(message)
        self.slug = slug
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def as_json(self) -> dict[str, str | None]:
        """As it is printed."""
        return {"slug": self.slug, "message": self.message, "hint": self.hint}


class Unhealthy(Refusal):
    """The release runs and does not meet what was promised."""

    def __init__(self, slug: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(slug, message, hint=hint, exit_code=UNHEALTHY)


class Missing(Refusal):
    """The host lacks something the agent or a runtime needs."""

    def __init__(self, slug: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(slug, message, hint=hint, exit_code=MISSING)
