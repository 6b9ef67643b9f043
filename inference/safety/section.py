"""`[safety]`: what an operator decides about words and pictures; read again by /reload."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, Field, field_validator

from inference.safety.verdict import Action
from inference.safety.wordlists.patterns import BadPattern, Pattern, Side

# What becomes of a category that the operator's own table does not name; another one: review.
USUAL: dict[str, Action] = {
    "minors": "block",
    "weapons": "block",
    "drugs": "block",
    "sexual": "block",
    "fraud": "review",
    "violence": "review",
    "selfharm": "review",
    "abuse": "mask",
    "injection": "review",
    "leak": "block",
}
PersonalKind = Literal["id_card", "bank_card", "phone", "email", "passport"]
PERSONAL: tuple[PersonalKind, ...] = ("id_card", "bank_card", "phone", "email", "passport")


class PatternSection(BaseModel, extra="forbid", frozen=True):
    """One of `patterns`, a regular expression in the syntax of RE2."""

    name: str = Field(min_length=1, max_length=60)
    pattern: str = Field(min_length=1, max_length=2000)
    category: str = Field(min_length=1, max_length=60)
    where: Literal["questions", "answers", "both"] = "both"

    @property
    def sides(self) -> tuple[Side, ...]:
        return ("questions", "answers") if self.where == "both" else (self.where,)

    def compiled(self) -> Pattern:
        """Raises BadPattern."""
        return Pattern(self.name, self.pattern, self.category, self.sides)


class SafetySection(BaseModel, extra="forbid", frozen=True):
    enabled: bool = True
    default_lists: bool = True
    lists: str = ""
    actions: dict[str, Action] = {}
    patterns: tuple[PatternSection, ...] = ()
    canary: Literal["auto", "on", "off"] = "auto"
    personal: tuple[PersonalKind, ...] = PERSONAL
    personal_in_answers: bool = False
    personal_never: tuple[str, ...] = ()
    personal_in_pictures: bool = False
    strikes: int = Field(3, ge=0, le=100)
    strikes_within_s: float = Field(86_400.0, ge=60.0, le=2_592_000.0)
    strike_ban_s: float = Field(3600.0, ge=0.0, le=31_622_400.0)
    cases_chat: str = ""

    @field_validator("actions")
    @classmethod
    def _names_categories(cls, actions: dict[str, Action]) -> dict[str, Action]:
        for category in actions:
            if not re.fullmatch(r"[\w-]{1,60}", category):
                raise ValueError(
                    f"names the category {category!r}, which no list can have; use letters,"
                    " digits, - and _"
                )
        return actions

    @field_validator("cases_chat")
    @classmethod
    def _is_chat(cls, value: str) -> str:
        if value and not all(value.partition(":")):
            raise ValueError('must be a chat, "platform:chat" such as "telegram:-10012345", or ""')
        return value

    @field_validator("patterns")
    @classmethod
    def _can_be_used(cls, patterns: tuple[PatternSection, ...]) -> tuple[PatternSection, ...]:
        for one in patterns:
            try:
                one.compiled()
            except BadPattern as error:
                raise ValueError(f"has the pattern {one.name!r}, which {error}") from None
        return patterns

    def action_of(self, category: str) -> Action:
        """Also for what models and services say of words and pictures."""
        return self.actions.get(category) or USUAL.get(category, "review")
