"""`[web]`: where the page is reached, and how people show who they are."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from bot.api.addresses import NetworkText, is_loopback

SHORT_CODE = 12  # characters; whoever has fewer is told so

_SHORTEST_CODE = 8
_REMEDIES = (
    'sign_in = "code" with the secret VISIONBOT_WEB__ACCESS_CODE (one access code for all),'
    ' sign_in = "proxy" (a reverse proxy says who it is), host = "127.0.0.1", or, if everybody'
    ' who reaches this address may ask, sign_in = "open"'
)


class WebSection(BaseModel, extra="forbid", frozen=True):
    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)  # 0: any free one
    sign_in: Literal["auto", "open", "code", "proxy"] = "auto"
    access_code: SecretStr = SecretStr("")
    session_days: int = Field(90, ge=1, le=400)  # browsers forget cookies after 400 days
    user_header: str = "X-Forwarded-User"
    trusted_proxies: tuple[NetworkText, ...] = ()

    @field_validator("access_code")
    @classmethod
    def _code_is_one(cls, code: SecretStr) -> SecretStr:
        if 0 < len(code.get_secret_value()) < _SHORTEST_CODE:
            raise ValueError(f"must have at least {_SHORTEST_CODE} characters")
        return code

    @field_validator("user_header")
    @classmethod
    def _header_is_one(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", name):
            raise ValueError("must be the name of a header, such as 'X-Forwarded-User'")
        return name

    @model_validator(mode="after")
    def _nothing_stands_open(self) -> WebSection:
        if not self.enabled:
            return self
        match self.way:
            case None:
                raise ValueError(
                    f"host is {self.host!r}, which others can reach, but nothing says who may"
                    f" come in; set {_REMEDIES}. The API needs a key there too, if it has none yet:"
                    " 'visionbot admin keys create NAME', or [api] enabled = false"
                )
            case "code" if not self.access_code.get_secret_value():
                raise ValueError(
                    'sign_in is "code", but there is no access code; set VISIONBOT_WEB__ACCESS_CODE'
                    " or VISIONBOT_WEB__ACCESS_CODE_FILE"
                )
            case "proxy" if not self.trusted_proxies:
                raise ValueError(
                    'sign_in is "proxy", but trusted_proxies is empty, and anybody could write'
                    f" {self.user_header}; name the proxy's address there, such as"
                    ' trusted_proxies = ["127.0.0.1"]'
                )
        return self

    @property
    def way(self) -> Literal["open", "code", "proxy"] | None:
        """How people sign in; None: nobody has chosen, and it would not be safe to guess."""
        if self.sign_in != "auto":
            return self.sign_in
        if self.access_code.get_secret_value():
            return "code"
        return "open" if is_loopback(self.host) else None

    @property
    def checked_host(self) -> str:
        """The address whose own names alone are us, against DNS rebinding; empty: any name may be.
        With an access code a strange page gets no further than a stranger, and a reverse proxy on
        this machine passes on the name that it is called by."""
        return "" if self.way == "code" else self.host
