"""`[api]`: who may use the API, how often, and where it may fetch pictures."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from bot.api.addresses import NetworkText

_ORIGIN = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?|https?://\[[0-9a-f:]+\](?::[0-9]{1,5})?"
)
_HOST = re.compile(r"\*|\.?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


def _is_origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise ValueError(
            f"holds {text!r}, but must hold origins as browsers write them, in small letters and"
            " without a path: 'https://app.example.org'"
        )
    return text


def _is_host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(
            f"holds {text!r}, but must hold hosts in small letters: 'img.example.org',"
            " '.example.org' for it and all below it, or '*' for every public host"
        )
    return text


class ApiSection(BaseModel, extra="forbid", frozen=True):
    enabled: bool = True
    needs_key: Literal["auto", "always"] = "auto"
    requests_per_minute: int = Field(60, ge=0, le=100_000)
    max_body_mb: int = Field(10, ge=1, le=100)
    max_at_once: int = Field(32, ge=1, le=100_000)
    model_aliases: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = ()
    cors_origins: tuple[Annotated[str, AfterValidator(_is_origin)], ...] = ()
    fetch_hosts: tuple[Annotated[str, AfterValidator(_is_host)], ...] = ()
    fetch_networks: tuple[NetworkText, ...] = ()
