"""Who is signed in: for how long, where, and never known to who reads the database."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.storage.db import Database
from bot.storage.sessions import Sessions
from tests.fakes import FakeTime


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def sessions(db: Database, time: FakeTime) -> Sessions:
    return Sessions(db, clock=time.clock)


async def person_of(sessions: Sessions, token: str, kind: str = "page") -> str | None:
    found = await sessions.find(token, kind)
    return found.person if found else None


async def test_token_leads_to_its_person(sessions: Sessions):
    token = await sessions.begin("web:ann", "page", lasts_s=60)

    assert await person_of(sessions, token) == "web:ann"


async def test_tokens_have_256_bits_and_never_repeat(sessions: Sessions):
    tokens = {await sessions.begin("web:ann", "page", lasts_s=60) for _ in range(10)}

    assert len(tokens) == 10
    assert all(len(token) >= 43 for token in tokens)  # of base64, six bits each


async def test_session_of_one_page_does_not_open_the_other(sessions: Sessions):
    token = await sessions.begin("web:ann", "page", lasts_s=60)

    assert await person_of(sessions, token, "console") is None


async def test_session_ends_when_its_time_is_over(sessions: Sessions, time: FakeTime):
    token = await sessions.begin("web:ann", "page", lasts_s=60)

    time.now += 59
    before = await person_of(sessions, token)
    time.now += 1

    assert (before, await person_of(sessions, token)) == ("web:ann", None)


async def test_prolonged_session_lasts_longer_but_one_that_is_over_stays_so(
    sessions: Sessions, time: FakeTime
):
    kept = await sessions.begin("web:ann", "page", lasts_s=60)
    lost = await sessions.begin("web:bob", "page", lasts_s=30)

    time.now += 40
    for token in (kept, lost):
        await sessions.prolong(token, lasts_s=60)
    time.now += 40

    assert await person_of(sessions, kept) == "web:ann"
    assert await person_of(sessions, lost) is None


async def test_ended_session_opens_nothing_and_leaves_the_others(sessions: Sessions):
    one = await sessions.begin("web:ann", "page", lasts_s=60)
    other = await sessions.begin("web:ann", "page", lasts_s=60)

    await sessions.end(one)

    assert await person_of(sessions, one) is None
    assert await person_of(sessions, other) == "web:ann"


async def test_person_is_signed_out_everywhere_with_the_links_not_used_yet(sessions: Sessions):
    page = await sessions.begin("web:ann", "page", lasts_s=60)
    console = await sessions.begin("web:ann", "console", lasts_s=60)
    link = await sessions.issue_link("web:ann", "console")
    other = await sessions.begin("web:bob", "page", lasts_s=60)

    await sessions.end_all("web:ann")

    assert await person_of(sessions, page) is None
    assert await person_of(sessions, console, "console") is None
    assert await sessions.redeem(link, "console", lasts_s=60) is None
    assert await person_of(sessions, other) == "web:bob"


async def test_link_signs_in_once(sessions: Sessions):
    link = await sessions.issue_link("machine:root", "console")

    token = await sessions.redeem(link, "console", lasts_s=60)

    assert token is not None
    assert await person_of(sessions, token, "console") == "machine:root"
    assert await sessions.redeem(link, "console", lasts_s=60) is None


async def test_link_is_good_for_its_time_and_its_page_alone(sessions: Sessions, time: FakeTime):
    link = await sessions.issue_link("machine:root", "console", lasts_s=600)

    wrong_page = await sessions.redeem(link, "page", lasts_s=60)
    time.now += 600

    assert wrong_page is None
    assert await sessions.redeem(link, "console", lasts_s=60) is None


@pytest.mark.parametrize("token", ["", "x", "ü", "x" * 100_000, "'; DROP TABLE sessions"])
async def test_what_was_never_given_out_opens_nothing(sessions: Sessions, token: str):
    await sessions.begin("web:ann", "page", lasts_s=60)

    assert await sessions.find(token, "page") is None
    assert await sessions.redeem(token, "page", lasts_s=60) is None


async def test_proof_differs_between_sessions_and_is_not_the_token(sessions: Sessions):
    tokens = [await sessions.begin("web:ann", "page", lasts_s=60) for _ in range(2)]
    found = [await sessions.find(token, "page") for token in tokens]
    proofs = [session.csrf for session in found if session]

    assert len(set(proofs)) == 2
    assert not set(proofs) & set(tokens)


async def test_no_token_and_no_link_stands_in_the_database(sessions: Sessions, db: Database):
    secrets = [
        await sessions.begin("web:ann", "page", lasts_s=60),
        await sessions.issue_link("web:ann", "page"),
    ]

    async with db.read() as connection:
        rows = [
            str(row)
            for table in ("sessions", "sign_in_links")
            for row in await connection.execute(text(f"SELECT * FROM {table}"))
        ]

    assert len(rows) == 2
    assert not any(secret in row for secret in secrets for row in rows)


async def test_table_holds_no_more_of_a_person_than_devices_and_nothing_that_is_over(
    sessions: Sessions, db: Database, time: FakeTime
):
    for _ in range(60):
        time.now += 1
        await sessions.begin("web:ann", "page", lasts_s=1000)
    async with db.read() as connection:
        at_most = (await connection.execute(text("SELECT count(*) FROM sessions"))).scalar_one()
    time.now += 2000
    newest = await sessions.begin("web:bob", "page", lasts_s=60)
    async with db.read() as connection:
        left = (await connection.execute(text("SELECT count(*) FROM sessions"))).scalar_one()

    assert (at_most, left) == (50, 1)
    assert await person_of(sessions, newest) == "web:bob"
