"""A look at the time zone in which days and months begin, by which limits are counted."""

from __future__ import annotations

import time

from bot.access.periods import Periods
from bot.checkup.finding import Finding, Round


async def look_at_days(round_: Round) -> Finding:
    zone, now = round_.settings.quota.timezone, time.time()
    periods = Periods(zone)
    values = {"now": periods.local(now).strftime("%H:%M"), "offset": periods.offset(now)}
    if zone:
        return round_.ok("check_days_named", zone=zone, **values)
    return round_.ok("check_days_machine", **values)
