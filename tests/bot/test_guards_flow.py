"""Guards in a talk: what people read when one finds something, and when none can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from bot.casework import Casework
from inference.request import Picture
from inference.safety.guards.guard import Finding, Guard, GuardFailed, Rule
from inference.safety.safety import Safety
from inference.safety.section import SafetySection
from inference.safety.verdict import Context
from inference.safety.wordlists.wordbook import Wordbook
from tests.bot.flow import Flow
from tests.bot.guarding import a_section
from tests.bot.watching.test_metrics import read, served, value


class Server:
    """Finds weapons where there is an axe; `is_down`: nobody answers."""

    version = "1"
    is_down = False
    answers_are_down = False

    async def start(self) -> None: ...

    async def look(self, what: str | Picture, context: Context) -> Sequence[Finding]:
        if self.is_down or (self.answers_are_down and context.where == "answer"):
            raise GuardFailed("unreachable")
        return [Finding("weapons", 0.9)] if "axe" in str(what) else []

    async def close(self) -> None: ...


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def guarded(flow: Flow, server: Server) -> Flow:
    flow.rules.change(safety=a_section())
    flow.guard = partial(a_safety, flow, server)
    return flow


def a_safety(flow: Flow, server: Server, casework: Casework) -> Safety:
    def section() -> SafetySection:
        return flow.rules.now.safety

    everywhere = frozenset({"question", "answer", "picture"})
    rule = Rule("eyes", everywhere, 5.0, "closed", lambda category: "block")
    guard = Guard(rule, server, flow.counts.guard)
    return Safety(
        section,
        Wordbook(section, flow.folder / "lists"),
        report=casework.report,
        allowed=casework.allowed,
        texts=[guard],
        pictures=[guard],
    )


async def asks(flow: Flow, text: str) -> str:
    shown = flow.platform.chats["ann"]
    before = len(shown)
    await flow.say(text, chat="ann")
    await flow.platform.until(lambda: len(shown) > before and shown[-1].final)
    return shown[-1].text


async def test_what_a_guard_finds_is_not_answered_and_has_a_case(guarded: Flow) -> None:
    await guarded.start()

    told = await asks(guarded, "which axe?")

    assert "not allowed" in told
    assert "case 1" in told


async def test_while_nobody_can_check_people_are_told_to_try_later(
    guarded: Flow, server: Server
) -> None:
    server.is_down = True
    await guarded.start()

    told = await asks(guarded, "hello?")

    assert "cannot be checked at the moment" in told
    assert "not allowed" not in told
    assert guarded.engine.requests == []


async def test_what_cannot_be_checked_has_no_number_no_case_and_no_appeal(
    guarded: Flow, server: Server
) -> None:
    server.is_down = server.answers_are_down = True
    await guarded.start()
    told = [await asks(guarded, text) for text in ("hello?", "hello again?")]
    server.is_down = False

    told.append(await asks(guarded, "hello!"))

    assert [text for text in told if "appeal" in text or "case" in text] == []
    assert [text for text in told if "try again later" in text] == told
    assert "case 1" in await asks(guarded, "which axe?")


async def test_an_answer_that_nobody_can_check_is_not_called_forbidden(
    guarded: Flow, server: Server
) -> None:
    server.answers_are_down = True
    await guarded.start()

    told = await asks(guarded, "hello?")

    assert "cannot be checked at the moment" in told
    assert "not allowed" not in told
    assert "echo" not in told


async def test_an_outage_shuts_nobody_out(guarded: Flow, server: Server) -> None:
    server.is_down = True
    await guarded.start()
    for _ in range(4):
        await asks(guarded, "hello?")

    server.is_down = False

    assert "echo" in await asks(guarded, "hello!")


async def test_looks_and_failures_are_counted_by_guard(guarded: Flow, server: Server) -> None:
    await guarded.start()
    await asks(guarded, "hello?")
    server.is_down = True
    await asks(guarded, "hello!")

    async with served(guarded) as url:
        _, text = await read(url)

    assert value(text, "guard_seconds_count", guard="eyes") == 3  # two questions, one answer
    assert value(text, "guard_failures_total", guard="eyes", failure="unreachable") == 1
