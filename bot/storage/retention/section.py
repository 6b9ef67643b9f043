"""How long things are kept, as `[retention]` says; 0 is for ever."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

_DAY_S = 86_400.0
_WEEK_S = 7 * _DAY_S
_MONTH_S = 32 * _DAY_S


def _at_least(least: float, why: str) -> AfterValidator:
    def check(seconds: float) -> float:
        if 0 < seconds < least:
            raise ValueError(f"must be 0 (for ever) or at least {least:g}, for {why}")
        return seconds

    return AfterValidator(check)


_Seconds = Annotated[float, Field(ge=0.0, le=3.2e9)]  # a hundred years
_Hour = Annotated[_Seconds, _at_least(3600.0, "a question may wait so long for its answer")]
_Week = Annotated[_Seconds, _at_least(_WEEK_S, "platforms deliver again what they sent days ago")]
_Month = Annotated[_Seconds, _at_least(_MONTH_S, "limits count what was used in a month")]


class RetentionSection(BaseModel, extra="forbid", frozen=True):
    photos_s: _Hour = _DAY_S
    text_s: _Hour = 30 * _DAY_S
    names_s: _Week = _WEEK_S
    tickets_s: _Hour = 90 * _DAY_S
    cases_s: _Hour = 90 * _DAY_S
    audit_s: _Hour = 365 * _DAY_S
    ledger_s: _Month = 400 * _DAY_S
    people_s: _Hour = 365 * _DAY_S
