"""Graphics cards, as their driver tells of them, and a driver that does not answer."""

from __future__ import annotations

import threading

import pytest

from bot.watching.cards import Card, Cards

ONE = Card(0, "NVIDIA H200", 150, 50)


async def test_what_the_driver_tells_is_passed_on() -> None:
    assert await Cards(lambda: (ONE,)).read() == (ONE,)


async def test_a_machine_without_a_driver_has_no_cards_or_tells_of_real_ones() -> None:
    cards = await Cards().read()

    assert all(card.memory_bytes >= card.used_bytes > 0 for card in cards)


async def test_a_driver_that_hangs_is_waited_for_once_and_asked_again_when_it_is_back() -> None:
    back = threading.Event()
    asked = []

    def hang() -> tuple[Card, ...]:
        asked.append(threading.current_thread())
        back.wait(10)
        return (ONE,)

    cards = Cards(hang, patience_s=0.01)
    while_it_hangs = [await cards.read() for _ in range(3)]
    threads = len(asked)
    back.set()
    asked[0].join(10)
    afterwards = await cards.read()

    assert while_it_hangs == [(), (), ()]
    assert threads == 1
    assert afterwards == (ONE,)


async def test_a_driver_that_fails_in_an_unknown_way_costs_only_the_figures(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> tuple[Card, ...]:
        raise OSError("no such device")

    assert await Cards(fail).read() == ()
    assert "OSError" in caplog.text
