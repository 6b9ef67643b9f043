"""`[matrix]`: the account of the bot; apart from the adapter, which needs the optional SDK."""

from __future__ import annotations

import re
from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

_PATTERN = re.compile(r"@[^:\s]+:\S+")


class MatrixSection(BaseModel, extra="forbid", frozen=True):
    """Off while there is no homeserver."""

    homeserver: str = Field("", pattern=r"^(https?://\S+)?$")
    user: str = ""
    invites: tuple[str, ...] = ()
    edit_every_s: float = Field(2.0, ge=0.1)
    group_edit_every_s: float = Field(3.0, ge=0.1)
    reactions: bool = True
    password: SecretStr = SecretStr("")

    @field_validator("user")
    @classmethod
    def _user_is_a_full_id(cls, user: str) -> str:
        if user and not _PATTERN.fullmatch(user):
            raise ValueError('must be a full id such as "@bot:example.org"')
        return user

    @field_validator("invites")
    @classmethod
    def _invites_are_patterns(cls, invites: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in invites:
            if not _PATTERN.fullmatch(pattern):
                raise ValueError(
                    'Input should hold names such as "@ann:example.org" or "@*:example.org"'
                )
        return invites

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.homeserver and not self.user:
            raise ValueError('homeserver is set, but user is not; set it to "@bot:example.org"')
        if self.homeserver and not self.password.get_secret_value():
            raise ValueError(
                "homeserver is set, but the password is missing; set VISIONBOT_MATRIX__PASSWORD"
            )
        return self

    def may_invite(self, person: str) -> bool:
        """A `*` stands for any letters but a colon, so that none of a name passes for a server."""
        return any(_expression(pattern).fullmatch(person) for pattern in self.invites)


def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "[^:]*"))
