"""Signing in by the access code, by a proxy, or not at all; and what proves our own page."""

from __future__ import annotations

import pytest
from aiohttp import FormData
from pydantic import ValidationError

from bot.platforms.web.section import WebSection
from bot.platforms.web.visitor import Visitor
from tests.bot.platforms.web.conftest import new_browser

# aiohttp's multipart reader calls a deprecated method of its own when a piece ends in a boundary.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")

CODE = "open sesame 42"
BY_CODE = {"access_code": CODE, "session_days": 1}
BY_PROXY = {"sign_in": "proxy", "trusted_proxies": ["127.0.0.0/8"]}
HTTPS = {"X-Forwarded-Proto": "https"}
DAY_S = 24 * 3600


@pytest.fixture
async def guarded(place):
    async with place.serve(section=BY_CODE) as served:
        yield served


async def me(served, *, browser=None, **headers):
    return await served.call("GET", "/api/me", browser=browser, proof=None, headers=headers)


def cookies_of(response):
    return response.headers.getall("Set-Cookie", [])


# --- the section


@pytest.mark.parametrize(
    ("section", "remedy"),
    [
        ({"host": "0.0.0.0"}, 'sign_in = "code" with the secret VISIONBOT_WEB__ACCESS_CODE'),
        ({"host": "192.168.1.5"}, 'sign_in = "open"'),
        ({"host": "::"}, 'sign_in = "proxy"'),
        ({"sign_in": "code"}, "set VISIONBOT_WEB__ACCESS_CODE"),
        ({"sign_in": "proxy"}, "trusted_proxies is empty"),
        ({"access_code": "short"}, "at least 8 characters"),
        ({"user_header": "X User"}, "name of a header"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, "no bits behind the mask"),
    ],
)
def test_what_would_stand_open_stops_the_start_and_names_the_remedy(section, remedy):
    with pytest.raises(ValidationError, match=remedy):
        WebSection(**section)


@pytest.mark.parametrize(
    ("section", "way"),
    [
        ({}, "open"),
        ({"host": "::1"}, "open"),
        ({"host": "0.0.0.0", "sign_in": "open"}, "open"),
        ({"host": "0.0.0.0", "access_code": CODE}, "code"),
        ({"access_code": CODE}, "code"),
        ({"sign_in": "open", "access_code": CODE}, "open"),
        ({"host": "0.0.0.0", **BY_PROXY}, "proxy"),
        ({"host": "0.0.0.0", "enabled": False}, None),
    ],
)
def test_way_to_sign_in_is_the_chosen_one_or_the_safe_one(section, way):
    assert WebSection(**section).way == way


# --- by code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/me"),
        ("GET", "/api/messages"),
        ("GET", "/api/events"),
        ("GET", f"/api/photos/{'0' * 64}"),
        ("GET", "/api/history"),
        ("GET", "/api/history.csv"),
        ("POST", "/api/ask"),
        ("POST", "/api/press"),
        ("POST", "/api/sign-out"),
        ("DELETE", "/api/history"),
        ("DELETE", "/api/history/1"),
    ],
)
async def test_without_the_code_every_call_is_refused(guarded, method, path):
    status, told = await guarded.call(method, path, proof=Visitor("0" * 32).csrf)

    assert (status, told["error"]["code"], told["signIn"]) == (401, "signed_out", "code")


async def test_page_itself_is_shown_so_that_the_code_can_be_typed(guarded):
    assert (await guarded.call("GET", "/", proof=None))[0] == 200


async def test_with_a_code_a_proxy_on_this_machine_may_pass_on_its_own_name(guarded):
    headers = {"Host": "bot.example.org"}

    assert (await guarded.call("GET", "/", proof=None, headers=headers))[0] == 200


async def test_a_cookie_of_ones_own_making_opens_nothing(guarded):
    headers = {"Cookie": f"visionbot={'0' * 32}"}

    assert (await guarded.call("GET", "/api/messages", proof=None, headers=headers))[0] == 401


async def test_right_code_opens_the_page(guarded):
    status, _ = await guarded.sign_in(CODE)

    assert status == 204
    _, told = await me(guarded)
    assert (told["signIn"], told["canSignOut"], told["isAdmin"]) == ("code", True, False)
    assert (await guarded.ask("你好"))[0] == 202


async def test_blanks_around_a_copied_code_do_not_matter(guarded):
    assert (await guarded.sign_in(f" {CODE}\n"))[0] == 204


@pytest.mark.parametrize("code", ["", "wrong", CODE.upper(), CODE + "x", "密码" * 100])
async def test_wrong_code_opens_nothing(guarded, code):
    status, told = await guarded.sign_in(code)

    assert (status, told["error"]["code"]) == (401, "wrong_code")
    assert (await me(guarded))[0] == 401


async def test_each_browser_is_a_person_of_its_own(guarded, stranger):
    await guarded.sign_in(CODE)
    await guarded.sign_in(CODE, browser=stranger)
    await guarded.ask("你好")

    assert (await guarded.visit(stranger))["messages"] == []


@pytest.mark.row(59)
async def test_who_guesses_is_told_how_long_to_wait_and_then_waits(guarded, place):
    for _ in range(5):
        await guarded.sign_in("wrong")

    status, told = await guarded.sign_in(CODE)
    place.time.now += 30

    assert (status, told["error"]["code"], told["error"]["seconds"]) == (429, "locked", 30)
    assert "30" in told["error"]["message"]
    assert (await guarded.sign_in(CODE))[0] == 204


@pytest.mark.row(59)
async def test_forged_addresses_do_not_escape_the_lock_out(guarded):
    for number in range(5):
        await guarded.sign_in("wrong", headers={"X-Forwarded-For": f"10.0.0.{number}"})

    status, _ = await guarded.sign_in(CODE, headers={"X-Forwarded-For": "10.9.9.9"})

    assert status == 429


async def test_behind_a_trusted_proxy_each_address_counts_for_itself(place):
    section = BY_CODE | {"trusted_proxies": ["127.0.0.1"]}
    async with place.serve(section=section) as served:
        for _ in range(6):
            await served.sign_in("wrong", headers={"X-Forwarded-For": "10.0.0.1"})

        locked, _ = await served.sign_in(CODE, headers={"X-Forwarded-For": "10.0.0.1"})
        free, _ = await served.sign_in(CODE, headers={"X-Forwarded-For": "10.0.0.2"})

    assert (locked, free) == (429, 204)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"code": 5}', b"[" * 4000, b'{"code": "' + b"x" * 5000 + b'"}']
)
async def test_sign_in_that_makes_no_sense_is_refused(guarded, body):
    headers = {"Content-Type": "application/json"}
    status, told = await guarded.call(
        "POST", "/api/sign-in", proof=None, data=body, headers=headers
    )

    assert (status, told["error"]["code"]) == (400, "malformed")


@pytest.mark.row(59)
async def test_sign_in_from_another_site_is_refused(guarded):
    status, told = await guarded.sign_in(CODE, headers={"Origin": "https://evil.example"})

    assert (status, told["error"]["code"]) == (403, "origin")


async def test_session_ends_after_its_days_without_a_visit(guarded, place):
    await guarded.sign_in(CODE)

    place.wall.now += DAY_S - 1
    still, _ = await guarded.call("GET", "/api/messages", proof=None)
    place.wall.now += 2 * DAY_S

    assert still == 200
    assert (await me(guarded))[0] == 401


async def test_each_visit_prolongs_the_session(guarded, place):
    await guarded.sign_in(CODE)

    for _ in range(3):
        place.wall.now += DAY_S * 0.9
        assert (await me(guarded))[0] == 200


async def test_signing_out_ends_the_session_on_the_server_too(guarded):
    await guarded.sign_in(CODE)
    [cookie] = guarded.browser.cookie_jar
    token = cookie.value

    status, _ = await guarded.call("POST", "/api/sign-out")

    assert status == 204
    assert list(guarded.browser.cookie_jar) == []
    headers = {"Cookie": f"visionbot={token}"}
    assert (await guarded.call("GET", "/api/messages", proof=None, headers=headers))[0] == 401


async def test_session_ended_by_the_server_closes_the_page(guarded):
    await guarded.sign_in(CODE)
    [cookie] = guarded.browser.cookie_jar

    await guarded.sessions.end(cookie.value)

    assert (await me(guarded))[0] == 401


async def test_token_is_new_after_each_sign_in_and_the_old_one_is_worth_nothing(guarded):
    await guarded.sign_in(CODE)
    [before] = [cookie.value for cookie in guarded.browser.cookie_jar]

    await guarded.sign_in(CODE)
    [after] = [cookie.value for cookie in guarded.browser.cookie_jar]

    assert before != after
    headers = {"Cookie": f"visionbot={before}"}
    async with new_browser() as thief:
        status, _ = await guarded.call(
            "GET", "/api/messages", browser=thief, proof=None, headers=headers
        )
    assert status == 401


async def test_who_types_the_code_in_a_second_window_keeps_the_talk(guarded):
    await guarded.sign_in(CODE)
    await guarded.ask("你好")

    await guarded.sign_in(CODE)

    assert await guarded.texts() == ["你好"]


async def test_talk_of_before_the_code_is_kept_and_its_old_cookie_opens_nothing(place):
    async with new_browser() as browser:
        async with place.serve(browser=browser) as served:
            await served.ask("你好")
            [old] = [cookie.value for cookie in browser.cookie_jar]
        async with place.serve(browser=browser, section=BY_CODE) as served:
            before, _ = await served.call("GET", "/api/messages", proof=None)
            await served.sign_in(CODE)
            texts = await served.texts()
            headers = {"Cookie": f"visionbot={old}"}
            async with new_browser() as thief:
                stolen, _ = await served.call(
                    "GET", "/api/messages", browser=thief, proof=None, headers=headers
                )

    assert (before, texts, stolen) == (401, ["你好"], 401)


async def test_cookie_over_https_is_bound_to_this_host(guarded):
    async with guarded.browser.post(
        f"{guarded.url}/api/sign-in", json={"code": CODE}, headers=HTTPS
    ) as response:
        [cookie] = cookies_of(response)

    name, *flags = cookie.split("; ")
    assert name.startswith("__Host-visionbot=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=Lax"} <= set(flags)
    assert not any(flag.startswith("Domain") for flag in flags)


async def test_over_https_a_cookie_without_the_prefix_is_no_session(guarded):
    """Another host below the same domain could have set it, to have people use its session."""
    token = await guarded.sessions.begin("web:evil", "page", lasts_s=60)
    headers = HTTPS | {"Cookie": f"visionbot={token}"}

    assert (await guarded.call("GET", "/api/messages", proof=None, headers=headers))[0] == 401


async def test_cookie_on_this_machine_is_strict_and_plain(guarded):
    async with guarded.browser.post(f"{guarded.url}/api/sign-in", json={"code": CODE}) as response:
        [cookie] = cookies_of(response)

    assert cookie.startswith("visionbot=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie


async def test_open_window_is_closed_when_its_person_is_signed_out(place):
    async with place.serve(section=BY_CODE, heartbeat_s=0.05) as served:
        await served.sign_in(CODE)
        [cookie] = served.browser.cookie_jar
        async with served.events() as stream:
            await stream.next()
            await served.sessions.end(cookie.value)

            assert await stream.next() is None


async def test_over_https_a_visitor_whose_cookie_lacks_the_prefix_is_a_new_one(served):
    """Whoever planted it would read along."""
    await served.ask("你好")
    [planted] = [cookie.value for cookie in served.browser.cookie_jar]
    headers = HTTPS | {"Cookie": f"visionbot={planted}"}

    async with (
        new_browser() as browser,
        browser.get(f"{served.url}/api/messages", headers=headers) as response,
    ):
        messages = (await response.json())["messages"]
        [new] = cookies_of(response)

    assert messages == []
    assert new.startswith("__Host-visionbot=")
    assert planted not in new


async def test_over_https_a_planted_cookie_does_not_choose_whose_talk_the_code_opens(guarded):
    planted = "0" * 32
    headers = HTTPS | {"Cookie": f"visionbot={planted}"}
    address, body = f"{guarded.url}/api/sign-in", {"code": CODE}
    async with (
        new_browser() as browser,
        browser.post(address, json=body, headers=headers) as response,
    ):
        token = response.cookies["__Host-visionbot"].value

    session = await guarded.sessions.find(token, "page")

    assert session.person != f"web:{Visitor(planted).id}"


# --- by a proxy


async def test_person_is_whom_the_proxy_names(place):
    async with place.serve(section=BY_PROXY) as served:
        place.admins = {"ann"}
        ann = {"X-Forwarded-User": "ann"}
        _, told = await me(served, **ann)
        form = {"key": "question-1", "text": "你好", "lang": "zh"}
        asked, _ = await served.call("POST", "/api/ask", data=form_of(form), headers=ann)

        assert (told["name"], told["signIn"]) == ("ann", "header")
        assert (told["isAdmin"], told["canSignOut"]) == (True, False)
        assert asked == 202
        [event] = served.inbox.events
        assert (event.person.id, event.person.name, event.conversation.chat) == ("ann",) * 3


async def test_same_person_on_two_devices_has_one_talk(place, stranger):
    headers = {"X-Forwarded-User": "ann"}
    async with place.serve(section=BY_PROXY) as served:
        form = {"key": "question-1", "text": "你好", "lang": "zh"}
        await served.call("POST", "/api/ask", data=form_of(form), headers=headers)

        _, told = await served.call(
            "GET", "/api/messages", browser=stranger, proof=None, headers=headers
        )

    assert [message["text"] for message in told["messages"]] == ["你好"]


async def test_name_from_an_address_that_is_no_proxy_is_not_believed(place):
    section = BY_PROXY | {"trusted_proxies": ["10.0.0.0/8"]}
    async with place.serve(section=section) as served:
        status, told = await me(served, **{"X-Forwarded-User": "ann"})
        forged, _ = await me(served, **{"X-Forwarded-User": "ann", "X-Forwarded-For": "10.0.0.1"})

    assert (status, told["error"]["code"], told["signIn"]) == (401, "no_header", "header")
    assert forged == 401


@pytest.mark.parametrize("name", ["", "  ", "Ann Lee", "x" * 129, "a\u202eb"])
async def test_name_that_is_none_is_not_believed(place, name):
    async with place.serve(section=BY_PROXY) as served:
        status, _ = await me(served, **{"X-Forwarded-User": name})

    assert status == 401


async def test_two_names_are_none(place):
    async with place.serve(section=BY_PROXY) as served:
        headers = [("X-Forwarded-User", "ann"), ("X-Forwarded-User", "eve")]
        async with served.browser.get(f"{served.url}/api/me", headers=headers) as response:
            assert response.status == 401


async def test_header_of_another_name_can_be_chosen(place):
    async with place.serve(section=BY_PROXY | {"user_header": "Remote-User"}) as served:
        wrong, _ = await me(served, **{"X-Forwarded-User": "ann"})
        right, _ = await me(served, **{"Remote-User": "ann"})

    assert (wrong, right) == (401, 200)


# --- what proves that our own page asks


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/ask"),
        ("POST", "/api/press"),
        ("DELETE", "/api/history"),
        ("DELETE", "/api/history/1"),
    ],
)
@pytest.mark.parametrize("proof", [None, "wrong", "ü"])
@pytest.mark.row(59)
async def test_nothing_changes_without_the_proof(served, method, path, proof):
    status, told = await served.call(method, path, proof=proof)

    assert (status, told["error"]["code"]) == (403, "unproven")


@pytest.mark.row(59)
async def test_proof_of_another_browser_is_worth_nothing(served, stranger):
    _, told = await me(served, browser=stranger)

    status, _ = await served.call("DELETE", "/api/history", proof=told["csrf"])

    assert status == 403


async def test_nobody_is_signed_out_without_the_proof(guarded):
    await guarded.sign_in(CODE)

    status, _ = await guarded.call("POST", "/api/sign-out", proof=None)

    assert status == 403
    assert (await me(guarded))[0] == 200


async def test_open_page_knows_its_visitor_again_and_has_nobody_to_sign_in(served):
    _, one = await me(served)
    _, other = await me(served)

    assert one == other
    assert (one["signIn"], one["canSignOut"]) == ("none", False)
    assert (await served.sign_in("anything"))[0] == 404


async def test_me_tells_the_limits_and_what_is_usual(served):
    _, told = await me(served)

    assert told["limits"] == {
        "photos": 8,
        "photoMb": 1,
        "characters": 20_000,
        "max_tokens": 512,
    }
    assert told["defaults"] == {"temperature": 0.0, "top_p": 1.0, "max_tokens": 512}


def form_of(fields):
    return FormData(fields, default_to_multipart=True)
