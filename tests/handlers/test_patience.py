from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.action import Say
from bot.texts import TEXTS
from handlers import decide
from handlers.desk import Desk
from inference.fallback import FallbackSection
from tests.fakes import an_event
from tests.handlers.desks import a_desk

USAGE = TEXTS["patience_usage"].en


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as desk:
        yield desk


async def told(desk: Desk, text: str, language: str = "en", **event: object) -> str:
    """What a person is told, who is met as the program meets everybody."""
    met = await desk.people.meet(an_event(text, text, language=language, **event))
    action = await decide(met, desk)
    assert isinstance(action, Say)
    return action.text


async def patience(desk: Desk, person: str = "ann") -> float | None:
    known = await desk.people.known("test", person)
    return known.patience_s if known else None


def now(seconds: str) -> str:
    return TEXTS["patience_now"].en.format(seconds=seconds)


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ("2m", 120.0),
        ("90s", 90.0),
        ("90 seconds", 90.0),
        ("1.5 min", 90.0),
        ("24h", 86_400.0),
        ("10s", 10.0),
        ("２分钟", 120.0),
        ("30秒", 30.0),
    ],
)
async def test_a_choice_is_kept_and_confirmed(desk: Desk, wish: str, seconds: float):
    said = await told(desk, f"/patience {wish}")

    assert await patience(desk) == seconds
    assert said == now(f"{seconds:g}")


@pytest.mark.parametrize(
    "wish", ["9s", "25h", "0m", "-5m", "m", "5", "2 weeks", "soon", "2m please", "1e3s", "off now"]
)
async def test_what_is_no_choice_changes_nothing_and_shows_how_it_is_written(desk: Desk, wish: str):
    await told(desk, "/patience 30s")

    said = await told(desk, f"/patience {wish}")

    assert (said, await patience(desk)) == (USAGE, 30.0)


@pytest.mark.parametrize("wish", ["off", "OFF", "关闭"])
async def test_off_means_to_wait_however_long(desk: Desk, wish: str):
    said = await told(desk, f"/patience {wish}")

    assert (said, await patience(desk)) == (TEXTS["patience_off"].en, 0.0)


async def test_default_takes_a_choice_back(desk: Desk):
    desk.rules.change(fallback=FallbackSection(patience_s=45.0))
    await told(desk, "/patience 30s")

    said = await told(desk, "/patience default")

    assert (said, await patience(desk)) == (now("45"), None)


async def test_without_a_wish_what_holds_now_is_told(desk: Desk):
    assert await told(desk, "/patience") == f"{now('120')}\n{USAGE}"

    await told(desk, "/patience 30s")

    assert await told(desk, "/patience") == f"{now('30')}\n{USAGE}"


async def test_choice_is_that_of_one_person_alone(desk: Desk):
    await told(desk, "/patience 30s")
    await told(desk, "/start", chat="bob")

    assert (await patience(desk), await patience(desk, "bob")) == (30.0, None)


async def test_everybody_may_choose_in_chinese_too(desk: Desk):
    said = await told(desk, "/耐心 2分钟", "zh")

    assert said == TEXTS["patience_now"].zh.format(seconds="120")
    assert await patience(desk) == 120.0
