"""A server at fault, a server that goes away, and what is never told of it."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import Update, func, insert, select, text, update

from bot.event import Conversation, Event, Person
from bot.storage.db import Database
from bot.storage.errors import (
    DatabaseRefused,
    DatabaseUnfit,
    DatabaseUnreachable,
    NoTables,
    NotWritten,
    SchemaTooOld,
)
from bot.storage.inbox import Inbox
from bot.storage.postgres import Postgres
from bot.storage.section import StorageSection, place_of
from bot.storage.tables import cursors, inbox
from tests.bot.storage.ground import Ground, on_postgres
from tests.postgres import PASSWORD, Cluster


def event(message: str) -> Event:
    return Event("bot", message, Conversation("test", "7"), Person("p"), "what is it?")


def changed(bot: str) -> Update:
    return update(cursors).where(cursors.c.bot == bot).values(value="1")


async def refusal(url: SecretStr, folder: Path) -> Exception:
    with pytest.raises((DatabaseRefused, DatabaseUnfit, DatabaseUnreachable)) as caught:
        await Database.join(folder, url)
    told = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in told
    assert "visionbot:" not in told
    return caught.value


@pytest.mark.parametrize(
    ("database", "password", "told"),
    [
        ("postgres", "wrong", "password authentication failed"),
        ("nowhere", PASSWORD, 'database "nowhere" does not exist'),
    ],
)
async def test_who_is_not_let_in_is_told_what_to_check(
    postgres: Cluster, tmp_path: Path, database: str, password: str, told: str
):
    error = await refusal(postgres.tcp_url(database, password=password), tmp_path)

    assert isinstance(error, DatabaseRefused)
    assert told in str(error)
    assert "check user, password and database in [storage] url" in str(error)


async def test_server_that_is_not_there_is_named_without_the_password(
    postgres: Cluster, tmp_path: Path
):
    error = await refusal(postgres.tcp_url(port=1), tmp_path)

    assert isinstance(error, DatabaseUnreachable)
    assert str(error).startswith("PostgreSQL at 127.0.0.1:1/postgres cannot be reached")


async def test_user_who_may_make_no_tables_is_told_so(postgres: Cluster, tmp_path: Path):
    name = await postgres.fresh(migrated=False)
    postgres.sql("CREATE ROLE looker LOGIN", name)

    with pytest.raises(DatabaseRefused, match=r"permission denied.*may make tables"):
        await Database.open(tmp_path, postgres.url(name, user="looker"))


async def test_database_of_another_encoding_is_refused(postgres: Cluster, tmp_path: Path):
    postgres.sql(
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER 'libc'"
        " TEMPLATE template0"
    )

    error = await refusal(postgres.url("latin"), tmp_path)

    assert "has the encoding LATIN1" in str(error)


async def test_database_without_tables_is_made_by_a_start_alone(postgres: Cluster, tmp_path: Path):
    url = postgres.url(await postgres.fresh(migrated=False))

    with pytest.raises(NoTables, match="start visionbot once"):
        await Database.join(tmp_path, url)

    db = await Database.at(tmp_path, url)
    await db.close()


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://u:hun/ter@h/d",
        "mysql://u:hunter@h/d",
        "postgresql://u:hunter@h",
        "postgresql://u:12#hunter@h/d",
        "postgresql://u:p@hunter/w#rd@h/d",
        "postgresql://u:p@hunter/word@h/d",
        "postgresql://u:p@hunter@h/d",
        "postgresql://u:12/x?hunter@h/d",
        "postgresql://u:hunter@h/d#",
        "postgresql://u:p@hun$ter/d",
        "postgresql://u:p@hun ter/d",
        "postgresql://u:p@hun%ter/d",
    ],
)
def test_url_that_cannot_be_read_is_refused_without_being_shown(wrong: str):
    with pytest.raises(ValidationError) as caught:
        StorageSection(url=SecretStr(wrong))

    assert "hun" not in str(caught.value)
    assert "ter@" not in str(caught.value)
    assert "postgresql://user:password@host:5432/database" in str(caught.value)


def test_place_is_told_without_user_and_password():
    for url, place in [
        ("postgresql://u:secret@db.example:5433/bot", "db.example:5433/bot"),
        ("postgresql://u@/bot?host=/run/postgresql", "/run/postgresql/bot"),
        ("postgresql://u:p%40ss%2Fw%23rd@my_db-1.example/bot", "my_db-1.example/bot"),
        ("postgresql://u@%2Frun%2Fpostgresql/bot", "%2Frun%2Fpostgresql/bot"),
        ("postgresql://u@[fe80::1%eth0]/bot", "[fe80::1%eth0]/bot"),
        ("postgres://u:a%2Fb@[::1]:5432,other/bot?sslmode=require", "[::1]:5432,other/bot"),
    ]:
        assert place_of(SecretStr(url)) == place


@on_postgres
async def test_every_session_is_bounded(db: Database):
    async with db.write() as connection:
        rows = await connection.execute(
            text(
                "SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout',"
                " 'lock_timeout', 'idle_in_transaction_session_timeout', 'application_name',"
                " 'synchronous_commit', 'transaction_isolation')"
            )
        )
        found = {row.name: row.setting for row in rows}

    assert found == {
        "statement_timeout": "60000",
        "lock_timeout": "30000",
        "idle_in_transaction_session_timeout": "15000",
        "application_name": "visionbot",
        "synchronous_commit": "on",
        "transaction_isolation": "read committed",
    }


@on_postgres
@pytest.mark.row(48)
async def test_row_48_a_writer_that_stands_still_gives_its_turn_back(db: Database, ground: Ground):
    other = await ground.join()

    async def stand_still() -> None:
        async with db.write() as connection:
            await connection.execute(text("SET idle_in_transaction_session_timeout = '100ms'"))
            row = {"platform": "test", "bot": "b", "value": "half"}
            await connection.execute(insert(cursors).values(row))
            async with asyncio.timeout(10), other.write():
                pass
            await connection.execute(insert(cursors).values(row | {"bot": "c"}))

    with pytest.raises((NotWritten, DatabaseUnreachable)):
        await stand_still()

    async with db.read() as connection:
        assert (await connection.execute(select(cursors))).all() == []
    await other.close()


@on_postgres
@pytest.mark.row(48)
async def test_row_48_a_deadlock_is_undone_and_may_be_tried_again(db: Database):
    async with db.write() as connection:
        rows = [{"platform": "test", "bot": bot, "value": "0"} for bot in "ab"]
        await connection.execute(insert(cursors), rows)
    both = asyncio.Barrier(2)

    async def change(first: str, second: str) -> None:
        async with db.stroke() as connection:
            await connection.execute(changed(first))
            await both.wait()
            await connection.execute(changed(second))

    done = await asyncio.gather(change("a", "b"), change("b", "a"), return_exceptions=True)

    assert sorted(type(one).__name__ for one in done) == ["NoneType", "NotWritten"]


@on_postgres
@pytest.mark.row(43)
@pytest.mark.parametrize("state", ["53100", "53200", "40001", "55P03"])
async def test_row_43_what_a_server_gives_up_for_now_is_tried_again(db: Database, state: str):
    """53100: its disk is full."""
    raised = (
        f"DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{state}'; END $$"
    )

    with pytest.raises(NotWritten, match=r"could not extend file.*room on its disk"):
        async with db.write() as connection:
            await connection.execute(text(raised))


@on_postgres
async def test_text_that_the_server_refuses_is_kept_without_what_it_refuses(db: Database):
    async with db.write() as connection:
        row = {"platform": "a\0b", "bot": "\ud800", "value": "ok"}
        await connection.execute(insert(cursors).values(row))
    async with db.read() as connection:
        kept = (await connection.execute(select(cursors))).one()

    assert tuple(kept) == ("a\ufffdb", "\ufffd", "ok")


@on_postgres
async def test_earlier_tables_are_left_to_a_start(db: Database, ground: Ground):
    async with db.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0011'"))

    with pytest.raises(SchemaTooOld):
        await ground.join()


@pytest.mark.timeout(60)
async def test_transaction_in_which_the_server_dies_fails_as_a_whole(
    mortal: Cluster, tmp_path: Path
):
    db = await Database.open(tmp_path, mortal.url(await mortal.fresh()))

    async def write() -> None:
        async with db.write() as connection:
            await connection.execute(insert(cursors).values(platform="a", bot="b", value="c"))
            await asyncio.to_thread(mortal.stop)
            await connection.execute(insert(cursors).values(platform="d", bot="b", value="c"))

    with pytest.raises(DatabaseUnreachable):
        await write()
    await asyncio.to_thread(mortal.start)

    async with db.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(cursors))).scalar() == 0
    await db.close()


@pytest.mark.timeout(60)
async def test_who_begins_while_the_server_is_away_waits_for_it(
    mortal: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    db = await Database.open(tmp_path, mortal.url(await mortal.fresh()))
    await asyncio.to_thread(mortal.stop)

    with caplog.at_level(logging.WARNING, "bot.storage.postgres"):
        taking = [asyncio.create_task(Inbox(db).accept(event(str(n)))) for n in range(5)]
        while not caplog.records:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.01)
        await asyncio.to_thread(mortal.start)
        taken = await asyncio.gather(*taking)

    assert taken == [True] * 5
    assert "is away" in caplog.text
    await db.close()


async def test_nobody_waits_for_a_server_that_others_have_waited_for_in_vain(
    caplog: pytest.LogCaptureFixture,
):
    server = Postgres(SecretStr("postgresql://u@127.0.0.1:1/d"), patience_s=30.0)
    known_since = server.away_since
    server.away_since = time.monotonic() - 31.0

    async with asyncio.timeout(15):
        for kind in ("read", "write", "stroke"):
            with pytest.raises(DatabaseUnreachable):
                async with server.begin(kind):
                    pass

    assert known_since is None
    assert caplog.records == []  # it was told when it began
    await server.close()


async def test_patience_begins_with_the_first_try_that_failed():
    server = Postgres(SecretStr("postgresql://u@127.0.0.1:1/d"), patience_s=0.2)
    began = time.monotonic()

    with pytest.raises(DatabaseUnreachable):
        async with server.begin("read"):
            pass

    assert server.away_since is not None
    assert began <= server.away_since <= time.monotonic() - 0.2
    await server.close()


async def test_server_that_answers_again_is_given_all_patience_again(postgres: Cluster):
    server = Postgres(postgres.url(await postgres.fresh()))
    server.away_since = time.monotonic() - 100.0

    async with server.begin("read"):
        pass

    assert server.away_since is None
    await server.close()


@pytest.mark.timeout(90)
async def test_server_killed_under_load_loses_nothing_and_takes_nothing_twice(
    mortal: Cluster, tmp_path: Path
):
    """Whoever brings events brings one again that was not taken, as the platforms do."""
    db = await Database.open(tmp_path, mortal.url(await mortal.fresh()))
    box = Inbox(db)
    told_of: list[str] = []

    async def bring(who: int) -> None:
        for number in range(25):
            while True:
                with suppress(DatabaseUnreachable):
                    await box.accept(event(f"{who}/{number}"))
                    break
            told_of.append(f"{who}/{number}")

    async with asyncio.TaskGroup() as tasks:
        for who in range(8):
            tasks.create_task(bring(who))
        for already in (20, 80, 140):
            while len(told_of) < already:  # noqa: ASYNC110  (a kill comes at any moment)
                await asyncio.sleep(0.005)
            await asyncio.to_thread(mortal.stop)
            await asyncio.to_thread(mortal.start)

    async with db.read() as connection:
        kept = list((await connection.execute(select(inbox.c.message))).scalars())
    assert sorted(kept) == sorted(told_of)
    assert len(set(kept)) == 200
    await db.close()
