"""What may go wrong between the homeserver and us: nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import replace

import pytest

from bot.event import Conversation, Event
from bot.platforms.base import Misconfigured, NotSent, Post, Revoked
from bot.platforms.matrix.adapter import identify
from bot.platforms.matrix.section import MatrixSection
from tests.bot.platforms.matrix.receiving import QUICK, Cursors, Inbox, running

SMALL_PAGES = replace(QUICK, page=3)


@pytest.mark.row(22)
async def test_synapse_killed_in_mid_sync_and_started_again_is_heard_again(
    synapse, make, inbox, meet, account
):
    ann = await meet()
    matrix = make()

    async with running(matrix, inbox.accept):
        await ann.opens(account.id)
        await ann.says("before")
        place = (await inbox.gets(lambda event: event.text == "before")).conversation
        await asyncio.to_thread(synapse.kill)
        with pytest.raises(NotSent):
            await matrix.send(place, Post("into the void"), reply_to=None, key="k1")
        await asyncio.to_thread(synapse.start)
        await ann.says("after")
        await inbox.gets(lambda event: event.text == "after")
        await matrix.send(place, Post("here again"), reply_to=None, key="k2")

    assert inbox.texts() == ["before", "after"]


async def test_what_cannot_be_committed_is_not_passed(make, inbox, cursors, meet, account):
    ann = await meet()
    tries: list[str | None] = []

    async def accept(event: Event) -> None:
        if event.text == "second":
            tries.append(cursors.value)
        await inbox.accept(event)

    async with running(make(), accept):
        await ann.opens(account.id)
        await ann.says("first")
        await inbox.gets(lambda event: event.text == "first")
        inbox.failing = 3
        await ann.says("second")
        await inbox.gets(lambda event: event.text == "second")
        await cursors.moves(tries[0])

    assert len(tries) == 4
    assert len(set(tries)) == 1
    assert inbox.texts() == ["first", "second"]


@pytest.mark.row(31)
async def test_a_stop_before_the_commit_brings_the_message_at_the_next_start(
    make, inbox, cursors, meet, account
):
    ann = await meet()
    full = Inbox()

    async with running(make(), full.accept):
        await ann.opens(account.id)
        await ann.says("first")
        await full.gets(lambda event: event.text == "first")
        full.failing = 1_000_000
        await ann.says("not lost")
        await full.fails()
    async with running(make(), inbox.accept):
        await inbox.gets(lambda event: event.text == "not lost")


@pytest.mark.row(31)
async def test_a_restart_repeats_nothing_and_misses_nothing(make, inbox, cursors, meet, account):
    ann = await meet()
    async with running(make(), inbox.accept):
        await ann.opens(account.id)
        before = cursors.value
        await ann.says("before")
        await inbox.gets(lambda event: event.text == "before")
        await cursors.moves(before)
    await ann.says("meanwhile")

    async with running(make(), inbox.accept):
        await ann.says("after")
        await inbox.gets(lambda event: event.text == "after")

    assert inbox.texts() == ["before", "meanwhile", "after"]


@pytest.mark.row(31)
async def test_a_crash_after_the_commit_brings_the_event_again_under_the_same_name(
    make, inbox, cursors, meet, account
):
    """The token of before the event, as if the program had died before it was kept."""
    ann = await meet()
    async with running(make(), inbox.accept):
        await ann.opens(account.id)
        await ann.says("hello")
        await inbox.gets(lambda event: event.text == "hello")
        before = cursors.value
        await ann.says("twice")
        await inbox.gets(lambda event: event.text == "twice")
        await cursors.moves(before)
    cursors.value = before

    async with running(make(), inbox.accept):
        await ann.says("after")
        await inbox.gets(lambda event: event.text == "after")

    assert inbox.repeated > 0
    assert inbox.texts() == ["hello", "twice", "after"]


async def test_the_first_start_ever_takes_no_old_messages(make, inbox, meet, account):
    ann = await meet()
    async with running(make(), Inbox().accept):
        await ann.opens(account.id)
        await ann.until_joined(account.id)
        await ann.says("old")
    empty = Cursors()

    async with running(make(keep=empty), inbox.accept):
        await empty.moves(None)
        await ann.says("new")
        await inbox.gets(lambda event: event.text == "new")

    assert inbox.texts() == ["new"]


@pytest.mark.row(31)
async def test_a_gap_is_filled_page_by_page_in_order(make, inbox, cursors, meet, account):
    ann = await meet()
    async with running(make(timings=SMALL_PAGES), inbox.accept):
        await ann.opens(account.id)
        before = cursors.value
        await ann.says("0")
        await inbox.gets(lambda event: event.text == "0")
        await cursors.moves(before)
    for number in range(1, 12):
        await ann.says(str(number))

    async with running(make(timings=SMALL_PAGES), inbox.accept):
        await inbox.gets(lambda event: event.text == "11")

    assert inbox.texts() == [str(number) for number in range(12)]


async def test_a_gap_before_the_first_look_at_a_room_ends_at_the_invitation(
    make, inbox, meet, account
):
    ann = await meet()
    await ann.opens(name="Team")
    await ann.says("among us")
    await ann.invites(account.id)
    for number in range(8):
        await ann.says(f"/{number}")

    async with running(make(timings=SMALL_PAGES), inbox.accept):
        await inbox.gets(lambda event: event.text == "/7")

    assert inbox.texts() == [f"/{number}" for number in range(8)]


async def test_a_message_whose_key_comes_late_is_read_then(make, inbox, meet, account):
    ann = await meet(encrypted=True)

    async with running(make(), inbox.accept):
        await ann.opens(account.id, encrypted=True)
        await ann.until_joined(account.id)
        await ann.says("first")
        await inbox.gets(lambda event: event.text == "first")
        late = await ann.says_before_the_key("late")
        await ann.says_elsewhere(account.id, "something else")
        await inbox.gets(lambda event: event.text == "something else")
        before = inbox.texts()
        await ann.sends_the_key()
        event = await inbox.gets(lambda event: event.text == "late")

    assert before == ["first", "something else"]
    assert event.message == late


async def test_a_message_whose_key_comes_late_is_not_lost_when_it_cannot_be_committed(
    make, inbox, meet, account
):
    ann = await meet(encrypted=True)

    async with running(make(), inbox.accept):
        await ann.opens(account.id, encrypted=True)
        await ann.until_joined(account.id)
        await ann.says("first")
        await inbox.gets(lambda event: event.text == "first")
        await ann.says_before_the_key("late")
        await ann.says_elsewhere(account.id, "something else")
        await inbox.gets(lambda event: event.text == "something else")
        inbox.failing = 2
        await ann.sends_the_key()
        await inbox.gets(lambda event: event.text == "late")

    assert inbox.failing == 0


async def test_a_place_the_server_does_not_know_any_more_is_given_up_aloud(
    make, inbox, meet, account, heard
):
    """As after the loss of its database: else nothing would be received for ever."""
    ann = await meet()
    async with running(make(), Inbox().accept):
        await ann.opens(account.id)
        await ann.until_joined(account.id)
        await ann.says("old")
    lost = Cursors()
    lost.value = "nonsense"

    async with running(make(keep=lost), inbox.accept):
        await heard.until("beginning anew")
        await lost.moves("nonsense")
        await ann.says("new")
        await inbox.gets(lambda event: event.text == "new")

    assert inbox.texts() == ["new"]


async def test_an_encrypted_room_is_open_again_after_a_restart(make, inbox, meet, account):
    ann = await meet(encrypted=True)
    async with running(make(), inbox.accept):
        await ann.opens(account.id, encrypted=True)
        await ann.until_joined(account.id)
        await ann.says("before")
        await inbox.gets(lambda event: event.text == "before")
    await ann.says("meanwhile")

    matrix = make()
    async with running(matrix, inbox.accept):
        event = await inbox.gets(lambda event: event.text == "meanwhile")
        await matrix.send(event.conversation, Post("read it"), reply_to=None, key="k1")
        await ann.reads(lambda seen: any(message.text == "read it" for message in seen))


async def test_a_key_that_did_not_get_through_is_sent_again(synapse, make, inbox, meet, account):
    """Else the first words would arrive and nobody could ever read them."""
    ann = await meet(encrypted=True)
    matrix = make()

    async with running(matrix, inbox.accept):
        await ann.opens(account.id, encrypted=True)
        await ann.until_joined(account.id)
        await ann.says("hello")
        place = (await inbox.gets(lambda event: event.text == "hello")).conversation
        await asyncio.to_thread(synapse.kill)
        with pytest.raises(NotSent):
            await matrix.send(place, Post("first words"), reply_to=None, key="k1")
        await asyncio.to_thread(synapse.start)
        await matrix.send(place, Post("first words"), reply_to=None, key="k1")
        await ann.reads(lambda seen: any(message.text == "first words" for message in seen))


async def test_the_login_is_kept_where_only_we_can_read_it(make, inbox, cursors, account, tmp_path):
    async with running(make(), inbox.accept):
        await cursors.moves(None)
    first = json.loads((tmp_path / "matrix" / "login.json").read_text("utf-8"))
    async with running(make(password="forgotten"), inbox.accept):
        await cursors.moves(cursors.value)
    second = json.loads((tmp_path / "matrix" / "login.json").read_text("utf-8"))

    assert first == second
    assert first["user"] == account.id
    assert stat.S_IMODE((tmp_path / "matrix" / "login.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "matrix").stat().st_mode) == 0o700


async def test_a_kept_login_that_cannot_be_read_is_made_anew(make, inbox, cursors, tmp_path):
    matrix = make()
    file = tmp_path / "matrix" / "login.json"
    file.write_text('{"user": "half', "utf-8")

    async with running(matrix, inbox.accept):
        await cursors.moves(None)

    assert json.loads(file.read_text("utf-8"))["token"]


@pytest.mark.row(26)
async def test_a_device_that_was_logged_out_is_replaced_by_a_new_one(
    synapse, make, inbox, meet, account, tmp_path
):
    ann = await meet()
    file = tmp_path / "matrix" / "login.json"
    matrix = make()

    async with running(matrix, inbox.accept):
        await ann.opens(account.id)
        await ann.says("before")
        place = (await inbox.gets(lambda event: event.text == "before")).conversation
        first = json.loads(file.read_text("utf-8"))
        await asyncio.to_thread(synapse.log_out, account.id)
        await ann.says("after")
        await inbox.gets(lambda event: event.text == "after")
        await matrix.send(place, Post("here again"), reply_to=None, key="k1")

    assert json.loads(file.read_text("utf-8"))["device"] != first["device"]
    assert inbox.texts() == ["before", "after"]


@pytest.mark.row(26)
async def test_a_wrong_password_is_told_and_asked_for_again_later(make, inbox, heard):
    matrix = make(password="wrong", timings=replace(QUICK, read_s=0.3))

    async with running(matrix, inbox.accept):
        await heard.until("Set VISIONBOT_MATRIX__PASSWORD")
        with pytest.raises(Revoked):
            await matrix.send(Conversation("matrix", "!r"), Post("x"), reply_to=None, key="k1")

    assert "wrong" not in heard.text


async def test_an_account_that_is_another_one_than_it_should_be_ends_the_start(
    synapse, make, meet, inbox, account, tmp_path
):
    ann = await meet()
    login = await asyncio.to_thread(synapse.register, f"{ann.name}-2")
    content = {
        "user": account.id,
        "device": login["device_id"],
        "token": login["access_token"],
        "homeserver": synapse.url,
    }
    matrix = make()
    (tmp_path / "matrix" / "login.json").write_text(json.dumps(content), "utf-8")

    with pytest.raises(Misconfigured, match=f"{account.id}.*{ann.name}-2"):
        await matrix.run(inbox.accept)


async def test_the_check_of_the_settings_logs_in_and_out_again(synapse, account):
    section = MatrixSection(homeserver=synapse.url, user=account.id, password=account.password)

    assert await identify(section) == account.id
    with pytest.raises(Exception, match="M_FORBIDDEN"):
        await identify(section.model_copy(update={"password": MatrixSection().password}))
