"""Who is let in to the API: keys, this machine's own user, and who only looks like one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.api.auth import check_exposure
from bot.api.secret import new_token
from bot.api.section import ApiSection
from bot.errors import ConfigError
from bot.rules import AccessSection
from bot.storage.db import Database
from bot.storage.keys import Keys
from bot.storage.people import FOR_EVER
from tests.bot.api.gatehouse import Gatehouse, a_gatehouse


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Gatehouse]:
    async with a_gatehouse(tmp_path) as house:
        yield house


async def test_a_key_lets_its_owner_in(house: Gatehouse) -> None:
    token = await house.key("archive", models=("demo",))

    async with house.open():
        answer = await house.ask(token)

    assert answer.status == 200
    assert answer.caller == {"id": token.id, "name": "archive", "models": ["demo"]}


async def test_a_key_may_stand_in_x_api_key_too(house: Gatehouse) -> None:
    token = await house.key()

    async with house.open():
        assert (await house.ask(x_api_key=str(token))).status == 200


async def test_without_a_key_the_answer_says_how_to_get_one(house: Gatehouse) -> None:
    async with house.open():
        answer = await house.ask()

    assert (answer.status, answer.code) == (401, "invalid_api_key")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "visionbot admin keys create" in answer.said


@pytest.mark.row(59)
async def test_of_a_wrong_key_nobody_learns_what_is_wrong(house: Gatehouse) -> None:
    known = await house.key()
    revoked = await house.key()
    await house.revoke(revoked)
    other = new_token()
    wrong = [
        str(other),
        f"vb-{known.id}-{other.secret}",
        str(revoked),
        "vb-x",
        "sk-123",
        "x" * 4000,
    ]

    async with house.open():
        answers = [await house.ask(token) for token in wrong]

    assert {(one.status, one.code, one.said) for one in answers} == {
        (401, "invalid_api_key", answers[0].said)
    }


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer \xff\xfe\xfd",
        "Bearer 密钥".encode(),
        b"Bearer vb-k_000000000000-" + b"\xc3\xa9" * 43,
        b"Bearer",
        b"Bearer  ",
        b"Basic dTpw",
        b"bearer\tx",
        b"",
        b"Bearer " + b"x" * 8000,
        b"Bearer vb-k_000000000000-" + b"A" * 43 + b"'; DROP TABLE keys; --",
    ],
)
@pytest.mark.row(59)
async def test_an_absurd_header_is_401_and_nothing_worse(house: Gatehouse, value: bytes) -> None:
    async with house.open():
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
        line = await house.raw(head + b"Authorization: " + value + b"\r\n\r\n")

    assert b" 401 " in line


@pytest.mark.row(59)
async def test_a_revoked_key_is_refused_from_the_next_request_on(house: Gatehouse) -> None:
    token = await house.key()

    async with house.open():
        before = await house.ask(token)
        await house.revoke(token)
        after = await house.ask(token)

    assert (before.status, after.status) == (200, 401)


async def test_a_key_made_beside_the_running_program_works_at_once(house: Gatehouse) -> None:
    async with house.open():
        token = await house.key()

        assert (await house.ask(token)).status == 200


async def test_whose_request_had_to_wait_stands_in_the_log(
    house: Gatehouse, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.api.access")
    token = await house.key(per_minute=1)

    async with house.open():
        await house.ask(token)
        refused = await house.ask(token)

    assert refused.status == 429
    told = [record.getMessage() for record in caplog.records if record.name == "bot.api.access"]
    assert " 429, " in told[-1]
    assert told[-1].endswith(f"caller {token.id}")


async def test_requests_beyond_the_keys_number_a_minute_wait(house: Gatehouse) -> None:
    token = await house.key(per_minute=2)

    async with house.open():
        answers = [await house.ask(token) for _ in range(3)]
        house.now += float(answers[2].headers["Retry-After"])
        later = await house.ask(token)

    assert [one.status for one in answers] == [200, 200, 429]
    assert answers[2].code == "rate_limit_exceeded"
    assert "2 a minute" in answers[2].said
    left = [one.headers["X-RateLimit-Remaining-Requests"] for one in answers]
    assert left == ["1", "0", "0"]
    assert later.status == 200


async def test_a_key_without_a_number_has_the_configured_one_and_0_is_none(
    house: Gatehouse,
) -> None:
    usual, free = await house.key(), await house.key(per_minute=0)

    async with house.open(requests_per_minute=1):
        of_usual = [(await house.ask(usual)).status for _ in range(2)]
        of_free = [(await house.ask(free)).status for _ in range(3)]

    assert of_usual == [200, 429]
    assert of_free == [200] * 3


@pytest.mark.row(59)
async def test_after_some_wrong_keys_an_address_waits_but_who_was_right_before_does_not(
    house: Gatehouse,
) -> None:
    token, fresh = await house.key(), await house.key()

    async with house.open():
        await house.ask(token)
        tries = [(await house.ask(new_token())).status for _ in range(12)]
        in_use, new = await house.ask(token), await house.ask(fresh)
        house.now += 1000
        later = await house.ask(fresh)

    assert tries[:10] == [401] * 10
    assert tries[10:] == [429, 429]
    assert (in_use.status, later.status) == (200, 200)
    assert (new.status, new.code) == (429, "too_many_wrong_keys")
    assert int(new.headers["Retry-After"]) >= 1


async def test_a_lock_is_for_the_address_that_the_trusted_proxy_names(house: Gatehouse) -> None:
    token = await house.key()

    async with house.open(trusted=("127.0.0.1",)):
        for _ in range(11):
            await house.ask(new_token(), X_Forwarded_For="9.9.9.9")
        same = await house.ask(token, X_Forwarded_For="8.8.8.8, 9.9.9.9")
        other = await house.ask(token, X_Forwarded_For="9.9.9.9, 8.8.4.4")

    assert (same.status, other.status) == (429, 200)


async def test_a_banned_key_is_told_so(house: Gatehouse) -> None:
    token = await house.key()
    async with house.db.write() as transaction:
        await house.people.ban_with(transaction, "api", token.id, FOR_EVER, "left the house")

    async with house.open():
        answer = await house.ask(token)

    assert (answer.status, answer.code) == (403, "access_denied")
    assert "left the house" in answer.said


async def test_where_only_members_may_ask_a_key_is_one_until_it_is_made_a_guest(
    house: Gatehouse,
) -> None:
    token = await house.key()
    house.rules.change(access=AccessSection(who="members"))

    async with house.open():
        member = await house.ask(token)
        async with house.db.write() as transaction:
            await house.people.set_role_with(transaction, "api", token.id, "guest")
        guest = await house.ask(token)

    assert (member.status, guest.status) == (200, 403)
    assert f"/allow api:{token.id}" in guest.said


async def test_in_a_pause_questions_wait_and_looking_goes_on(house: Gatehouse) -> None:
    token = await house.key()
    async with house.db.write() as transaction:
        await house.pauses.begin_with(transaction, 300, "")

    async with house.open():
        asked, looked = await house.ask(token), await house.ask(token, method="GET")

    assert (asked.status, asked.code, looked.status) == (503, "paused", 200)
    assert 1 <= int(asked.headers["Retry-After"]) <= 300


async def test_a_key_in_use_is_remembered_as_somebody_who_was_here(house: Gatehouse) -> None:
    token = await house.key("app")

    async with house.open():
        await house.ask(token)

    key = await house.keys.find(token.id)
    assert key is not None
    assert key.last_used_at is not None
    assert (await house.people.crowd()).active_today == 1


async def test_who_sits_at_this_machine_needs_no_key_and_may_send_any(house: Gatehouse) -> None:
    async with house.open(host="127.0.0.1"):
        answers = [await house.ask(token) for token in (None, "sk-unused", "none")]

    assert [one.caller["id"] for one in answers] == ["local"] * 3


async def test_a_key_of_ours_counts_on_this_machine_too(house: Gatehouse) -> None:
    token = await house.key()

    async with house.open(host="127.0.0.1"):
        right, wrong = await house.ask(token), await house.ask(new_token())

    assert (right.caller["id"], wrong.status) == (token.id, 401)


@pytest.mark.parametrize(
    ("opened", "headers"),
    [
        ({"host": "127.0.0.1", "needs_key": "always"}, {}),
        ({"host": "127.0.0.1", "trusted": ("127.0.0.1",)}, {}),
        ({"host": "127.0.0.1"}, {"X_Forwarded_For": "9.9.9.9"}),
        ({"host": "127.0.0.1"}, {"X_Forwarded_Proto": "https"}),
        ({"host": "127.0.0.1"}, {"Forwarded": "for=9.9.9.9"}),
        ({"host": "127.0.0.1"}, {"Via": "1.1 proxy"}),
        ({"host": "0.0.0.0"}, {}),
        ({"host": "192.168.1.5"}, {}),
        ({"host": "::"}, {}),
    ],
)
async def test_who_could_be_anybody_needs_a_key(
    house: Gatehouse, opened: dict[str, object], headers: dict[str, str]
) -> None:
    async with house.open(**opened):  # type: ignore[arg-type]
        assert (await house.ask(**headers)).status == 401


async def test_a_proxy_that_adds_no_header_is_known_by_how_it_speaks(house: Gatehouse) -> None:
    """nginx, told nothing but where we are."""
    async with house.open(host="127.0.0.1"):
        old = await house.raw(b"GET /v1/models HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        new = await house.raw(b"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    assert (old.split()[1], new.split()[1]) == (b"401", b"200")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://localhost:3000"},
        {"Sec_Fetch_Site": "none"},
    ],
)
@pytest.mark.row(59)
async def test_a_page_of_a_stranger_cannot_use_this_machines_api(
    house: Gatehouse, headers: dict[str, str]
) -> None:
    async with house.open(host="127.0.0.1"):
        answer = await house.ask(**headers)

    assert (answer.status, answer.code) == (403, "foreign_origin")


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.nip.io", "0.0.0.0", "[::ffff:1.2.3.4]"]
)
@pytest.mark.row(59)
async def test_a_name_that_was_bound_to_this_machine_from_outside_opens_nothing(
    house: Gatehouse, name: str
) -> None:
    """DNS rebinding: to the browser that page and we are the same site."""
    async with house.open(host="127.0.0.1"):
        answer = await house.ask(Host=name, Sec_Fetch_Site="same-origin")

    assert (answer.status, answer.code) == (403, "unknown_host")


async def test_our_own_page_and_the_named_origins_may_use_it(house: Gatehouse) -> None:
    async with house.open(host="127.0.0.1", cors_origins=("https://app.example.org",)):
        own = await house.ask(Origin=house.url)
        named = await house.ask(Origin="https://app.example.org", Sec_Fetch_Site="cross-site")

    assert (own.status, named.status) == (200, 200)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "visionbot.example.org"])
async def test_open_to_others_without_any_key_the_program_does_not_start(
    tmp_path: Path, host: str
) -> None:
    db = await Database.open(tmp_path)
    try:
        with pytest.raises(ConfigError, match="visionbot admin keys create"):
            await check_exposure(ApiSection(), Keys(db), host)
        await check_exposure(ApiSection(enabled=False), Keys(db), host)
    finally:
        await db.close()


async def test_with_a_key_or_on_this_machine_alone_it_starts(house: Gatehouse) -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        await check_exposure(ApiSection(), house.keys, host)
    token = await house.key()
    await check_exposure(ApiSection(), house.keys, "0.0.0.0")
    await house.revoke(token)

    with pytest.raises(ConfigError):
        await check_exposure(ApiSection(), house.keys, "0.0.0.0")
