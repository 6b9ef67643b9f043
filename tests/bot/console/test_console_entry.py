"""Who may see the operator's page, and who may change something there."""

from __future__ import annotations

import pytest

from bot.storage.sessions import Sessions
from bot.texts import TEXTS
from tests.bot.console.conftest import a_place

PROXY = {"sign_in": "proxy", "trusted_proxies": ["127.0.0.1"]}
DATA = ["state", "people", "audit"]


def refused(key):
    return 403, {"error": {"code": key, "message": TEXTS[key].en}}


@pytest.mark.parametrize("path", DATA)
async def test_coming_over_loopback_alone_shows_nothing(place, path):
    browser = await place.browser(**{"Accept-Language": "en"})

    assert await browser.get(path) == refused("console_no_entry")


@pytest.mark.parametrize("path", ["/admin", "/admin/"])
async def test_page_itself_is_shown_to_everybody_and_may_load_nothing_from_elsewhere(place, path):
    browser = await place.browser()

    async with browser.session.get(f"{place.url}{path}") as response:
        policy = response.headers["Content-Security-Policy"]

    assert response.status == 200
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy


async def test_link_of_the_machine_lets_an_owner_in(place):
    browser = await place.browser()
    code = await place.office.sessions.issue_link("machine:root", "console")

    status, visitor = await browser.enter(code)

    assert status == 200
    assert (visitor["person"], visitor["role"]) == ("machine:root", "owner")
    assert [(await browser.get(path))[0] for path in DATA] == [200, 200, 200]


async def test_link_works_once(place):
    first, second = await place.browser(), await place.browser()
    code = await place.office.sessions.issue_link("machine:root", "console")
    await first.enter(code)

    assert await second.enter(code) == refused("console_link_used")
    assert (await second.get("state"))[0] == 403


async def test_session_before_a_new_link_is_over(place):
    browser, other = await place.owner(), await place.browser()
    [before] = [cookie.value for cookie in browser.session.cookie_jar]
    await browser.get("state")  # believed for a while

    await browser.enter(await place.office.sessions.issue_link("machine:root", "console"))

    other.session.cookie_jar.update_cookies({"visionbot-admin": before})
    assert (await browser.get("state"))[0] == 200
    assert (await other.get("state"))[0] == 403


async def test_link_works_for_ten_minutes(place):
    now = 0.0
    sessions = Sessions(place.stores.db, clock=lambda: now)
    now = -601.0 + place.office.now()  # made so long ago
    code = await sessions.issue_link("machine:root", "console")

    assert await (await place.browser()).enter(code) == refused("console_link_used")


async def test_link_for_the_page_of_questions_is_none_for_this_one(place):
    code = await place.office.sessions.issue_link("machine:root", "page")

    assert (await (await place.browser()).enter(code))[0] == 403


async def test_session_of_the_page_of_questions_is_none_for_this_one(place):
    browser = await place.browser()
    token = await place.office.sessions.begin("machine:root", "page", lasts_s=60)
    browser.session.cookie_jar.update_cookies({"visionbot-admin": token})

    assert (await browser.get("state"))[0] == 403


async def test_cookie_is_out_of_reach_for_scripts_and_other_sites(place):
    browser = await place.owner()

    (cookie,) = browser.session.cookie_jar

    assert cookie.key == "visionbot-admin"
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
    assert cookie["max-age"] == str(12 * 3600)


async def test_behind_tls_the_cookie_is_tied_to_our_name(place):
    browser = await place.browser(**{"X-Forwarded-Proto": "https"})
    code = await place.office.sessions.issue_link("machine:root", "console")
    address = f"{place.url}/admin/api/enter"
    async with browser.session.post(
        address, json={"code": code}, headers=browser.headers
    ) as response:
        written = response.headers["Set-Cookie"]

    assert written.startswith("__Host-visionbot-admin=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(written.split("; "))


async def test_who_signs_out_is_out_at_once(place):
    browser = await place.owner()
    (cookie,) = browser.session.cookie_jar
    token = cookie.value

    assert (await browser.get("state"))[0] == 200
    assert await browser.post("leave", {}) == (204, None)

    assert (await browser.get("state"))[0] == 403
    browser.session.cookie_jar.update_cookies({"visionbot-admin": token})
    assert (await browser.get("state"))[0] == 403


async def test_session_that_is_over_lets_nobody_in(place):
    browser = await place.browser()
    token = await place.office.sessions.begin("machine:root", "console", lasts_s=-1)
    browser.session.cookie_jar.update_cookies({"visionbot-admin": token})

    assert (await browser.get("state"))[0] == 403


@pytest.mark.parametrize(
    "csrf", [pytest.param("", id="none"), pytest.param("0" * 64, id="another")]
)
@pytest.mark.parametrize("path", ["order", "leave"])
@pytest.mark.row(59)
async def test_change_without_the_pages_own_token_is_refused(place, csrf, path):
    browser = await place.owner()
    browser.csrf = csrf
    body = {"id": "0" * 32, "command": "pause", "words": ""} if path == "order" else {}

    assert (await browser.post(path, body))[0] == 403

    assert await place.office.pauses.now() is None
    assert (await browser.get("state"))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.row(59)
async def test_change_from_another_site_is_refused(place, headers):
    browser = await place.owner()

    status, _ = await browser.order("pause", **headers)

    assert status == 403
    assert await place.office.pauses.now() is None


async def test_name_that_is_not_ours_is_refused(place):
    """DNS rebinding."""
    browser = await place.browser(Host="evil.example")

    assert (await browser.get("state"))[0] == 421


@pytest.fixture
async def proxied(tmp_path):
    access = {"owners": ["web:boss"], "admins": ["web:ann"]}
    async with a_place(tmp_path, web=PROXY, access=access) as place:
        yield place


@pytest.mark.parametrize(("name", "role"), [("boss", "owner"), ("ann", "admin")])
async def test_admin_whom_the_proxy_names_comes_in(proxied, name, role):
    browser = await proxied.browser(**{"X-Forwarded-User": name})

    status, visitor = await browser.enter()

    assert (status, visitor["person"], visitor["role"]) == (200, f"web:{name}", role)
    assert (await browser.get("state"))[0] == 200


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("eve", "console_not_admin"),
        ("eve:owner", "console_not_admin"),
        (None, "console_no_entry"),
    ],
)
@pytest.mark.row(57)
async def test_others_do_not_come_in(proxied, name, key):
    browser = await proxied.browser(**({"X-Forwarded-User": name} if name else {}))

    assert await browser.enter() == refused(key)
    assert (await browser.get("state"))[0] == 403


@pytest.mark.row(57)
async def test_name_in_a_header_counts_for_nothing_without_a_trusted_proxy(tmp_path):
    access = {"owners": ["web:boss"]}
    async with a_place(tmp_path, access=access) as place:
        browser = await place.browser(**{"X-Forwarded-User": "boss"})

        assert await browser.enter() == refused("console_no_entry")


async def test_session_of_an_admin_is_of_no_use_to_who_signs_in_next(proxied):
    browser = await proxied.browser(**{"X-Forwarded-User": "ann"})
    await browser.enter()
    browser.headers = {"X-Forwarded-User": "eve"}

    assert (await browser.order("pause"))[0] == 403
    assert await proxied.office.pauses.now() is None


async def test_admin_who_lost_the_role_changes_nothing_any_more(proxied):
    owner = await proxied.browser(**{"X-Forwarded-User": "boss"})
    await owner.enter()
    await owner.order("role web:carl admin")
    carl = await proxied.browser(**{"X-Forwarded-User": "carl"})
    assert (await carl.enter())[0] == 200
    await owner.order("role web:carl guest")

    assert await carl.order("pause") == refused("console_not_admin")
    assert await proxied.office.pauses.now() is None
