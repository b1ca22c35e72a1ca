"""Policy: rules of an organisation over blueprints, as typed expressions, with waivers that end."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from edgewright.spec.base import LabelValue, Metadata, Model, Name

LONGEST_EXPRESSION = 2000
"""Characters; bounds what compiling and evaluating can cost."""


def _date(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) and len(value) == len("2027-03-01") else "")
    except ValueError:
        raise ValueError(f"{str(value)[:80]!r} is not a date such as 2027-03-01") from None


Day = Annotated[date, BeforeValidator(_date), Field(json_schema_extra={"type": "string", "format": "date"})]
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,500}$", description="one line of plain text")]
NameGlob = Annotated[str, Field(pattern=r"^[a-z0-9*?-]{1,63}$", description="a name, or a glob such as shop-*")]


class Waiver(Model):
    """Blueprints that may break a rule until a day, and who answers for that."""

    blueprints: tuple[NameGlob, ...] = Field(min_length=1, max_length=64)
    owner: Line
    reason: Line
    expires: Day = Field(description="the last day on which the waiver holds")


class NamedWaiver(Waiver):
    """A waiver of a rule that another policy brings."""

    rule: Name


class PolicyMatch(Model):
    """Which blueprints a policy is about: those for which everything that is written here holds."""

    blueprints: tuple[NameGlob, ...] | None = Field(default=None, min_length=1, max_length=64)
    environments: tuple[NameGlob, ...] | None = Field(default=None, min_length=1, max_length=64)
    labels: dict[Name, LabelValue] = Field(default_factory=dict)


class PolicyRule(Model):
    """One rule: an expression that is true where the rule is kept."""

    id: Name
    severity: Literal["error", "warning"] = "error"
    each: Literal["target", "dataset", "group", "entry"] | None = Field(
        default=None, description="judge every one of these, each under this name; the blueprint once when absent"
    )
    expression: str = Field(min_length=1, max_length=LONGEST_EXPRESSION, description="CEL; true where the rule is kept")
    message: Line = Field(description="what is said where it is not")
    message_expression: str | None = Field(
        default=None, min_length=1, max_length=LONGEST_EXPRESSION, description="CEL text; replaces message"
    )
    waivers: tuple[Waiver, ...] = Field(default=(), max_length=64)


class PolicySpec(Model):
    """The body of a policy."""

    extends: tuple[Name, ...] = Field(default=(), max_length=32, description="policies that ship with edgewright")
    match: PolicyMatch = Field(default_factory=PolicyMatch)
    rules: tuple[PolicyRule, ...] = Field(default=(), max_length=64)
    waivers: tuple[NamedWaiver, ...] = Field(default=(), max_length=64, description="of rules that extends brings")

    @field_validator("rules")
    @classmethod
    def _ids_are_unique(cls, rules: tuple[PolicyRule, ...]) -> tuple[PolicyRule, ...]:
        ids = [rule.id for rule in rules]
        for rule_id in ids:
            if ids.count(rule_id) > 1:
                raise ValueError(f"two rules have the id {rule_id!r}")
        return rules

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.rules and not self.extends:
            raise ValueError("a policy needs rules, or extends")
        return self


class Policy(Model):
    """Rules of an organisation."""

    api_version: Literal["edgewright/v1beta1"]
    kind: Literal["Policy"]
    metadata: Metadata
    spec: PolicySpec
