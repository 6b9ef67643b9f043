"""Who may see what: every chat belongs to one browser, and only our own page may call."""

from __future__ import annotations

import pytest
from yarl import URL

from bot.platforms.web.files import page_files

# aiohttp's multipart reader calls a deprecated method of its own when a piece ends in a boundary.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")


async def photo_address(served, photo):
    await served.ask("?", [photo])
    return f"{served.url}/api/photos/{served.inbox.events[-1].photos[0].ref}"


async def status_of(browser, address, **headers):
    async with browser.get(address, headers=headers) as response:
        return response.status


async def test_cookie_cannot_be_read_by_scripts_nor_sent_from_other_sites(served, stranger):
    async with stranger.get(f"{served.url}/api/messages") as response:
        cookie = response.headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


async def test_cookie_is_only_sent_over_tls_when_the_proxy_has_it(served, stranger):
    headers = {"X-Forwarded-Proto": "https"}

    async with stranger.get(f"{served.url}/api/messages", headers=headers) as response:
        assert "Secure" in response.headers["Set-Cookie"]


async def test_opening_the_page_by_a_link_from_elsewhere_gives_no_new_identity(served, stranger):
    headers = {"Sec-Fetch-Site": "cross-site"}

    async with stranger.get(f"{served.url}/", headers=headers) as response:
        assert response.status == 200
        assert "Set-Cookie" not in response.headers


async def test_person_keeps_the_chat_from_visit_to_visit(served):
    await served.ask("你好")

    assert [message["text"] for message in (await served.visit())["messages"]] == ["你好"]


async def test_person_does_not_see_the_chat_of_another(served, stranger):
    await served.ask("你好")

    assert (await served.visit(stranger))["messages"] == []


@pytest.mark.parametrize("path", ["/api/events", f"/api/photos/{'0' * 64}"])
async def test_without_a_cookie_nothing_is_shown(served, stranger, path):
    assert await status_of(stranger, served.url + path) == 401


async def test_own_photo_comes_back_with_its_true_type(served, photo):
    address = await photo_address(served, photo)

    async with served.browser.get(address) as response:
        assert await response.read() == photo
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"


async def test_photo_of_another_person_does_not_exist(served, stranger, photo):
    address = await photo_address(served, photo)
    await served.visit(stranger)

    assert await status_of(stranger, address) == 404


async def test_file_that_is_no_picture_is_never_shown_as_a_page(served):
    """None is taken in; this one stands in the store by other ways."""
    await served.ask("你好")
    digest = await served.photos.put(b"<script>alert(1)</script>")
    await served.page.add(served.chat.chat, "person", "?", [digest], final=True)
    address = f"{served.url}/api/photos/{digest}"

    async with served.browser.get(address) as response:
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize(
    "path",
    [
        "/api/photos/..%2f..%2fvisionbot.db",
        "/api/photos/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/api/photos/" + "A" * 64,
        "/api/photos/" + "0" * 63,
        "/..%2fadapter.py",
        "/%2e%2e/adapter.py",
        "/page/../adapter.py",
        "/adapter.py",
        "/index.html",
        "/.git/config",
    ],
)
async def test_no_path_leads_to_another_file(served, path):
    assert await status_of(served.browser, URL(served.url + path, encoded=True)) == 404


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="other origin"),
        pytest.param({"Origin": "null"}, id="sandboxed frame"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, id="other port"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="other program on this machine"),
        pytest.param({"Sec-Fetch-Site": "none"}, id="not from a page"),
    ],
)
async def test_question_from_another_site_is_refused(served, headers):
    async with served.browser.post(f"{served.url}/api/ask", headers=headers) as response:
        assert response.status == 403
        assert (await response.json())["error"]["code"] == "origin"
    assert served.inbox.events == []


async def test_messages_are_not_given_to_another_site(served):
    address = f"{served.url}/api/messages"

    assert await status_of(served.browser, address, **{"Sec-Fetch-Site": "cross-site"}) == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:80", 200),
        ("localhost:80", 200),
        ("[::1]:80", 200),
        ("LOCALHOST", 200),
        ("rebound.example", 421),
        ("127.0.0.1.rebound.example", 421),
        ("", 421),
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/messages"])
async def test_only_names_of_this_machine_reach_a_loopback_server(served, path, host, status):
    assert await status_of(served.browser, served.url + path, Host=host) == status


@pytest.mark.parametrize(("language", "said"), [("zh-CN", "不能用这个域名"), ("en", "is not ours")])
async def test_refusal_that_a_browser_opens_is_a_page_with_the_sentence(served, language, said):
    headers = {"Host": "rebound.example", "Accept": "text/html,*/*", "Accept-Language": language}

    async with served.browser.get(f"{served.url}/", headers=headers) as response:
        body = await response.text()

    assert (response.status, response.content_type) == (421, "text/html")
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; base-uri")
    assert said in body
    assert f'lang="{language}"' in body


async def test_refusal_of_a_script_is_json_that_people_can_read(served):
    headers = {"Host": "rebound.example", "Accept-Language": "zh"}

    async with served.browser.get(f"{served.url}/api/me", headers=headers) as response:
        body = await response.text()

    assert (response.status, response.content_type) == (421, "application/json")
    assert "不能用这个域名" in body


async def test_page_may_load_nothing_from_elsewhere(served):
    async with served.browser.get(f"{served.url}/") as response:
        policy = response.headers["Content-Security-Policy"]
        body = await response.text()

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "http://" not in body
    assert "https://" not in body


async def test_unchanged_page_is_not_sent_again(served):
    async with served.browser.get(f"{served.url}/app.js") as response:
        tag = response.headers["ETag"]

    assert await status_of(served.browser, f"{served.url}/app.js", **{"If-None-Match": tag}) == 304


async def test_routes_are_the_files_of_the_page_and_these_calls(served):
    routes = {(route.method, route.path) for route in served.platform.routes()}
    files = {("GET", where) for where, _ in page_files()}

    assert routes - files == {
        ("GET", "/api/me"),
        ("POST", "/api/sign-in"),
        ("POST", "/api/sign-out"),
        ("POST", "/api/ask"),
        ("POST", "/api/press"),
        ("GET", "/api/messages"),
        ("GET", "/api/events"),
        ("GET", "/api/photos/{digest}"),
        ("GET", "/api/history"),
        ("GET", "/api/history.csv"),
        ("DELETE", "/api/history"),
        ("DELETE", "/api/history/{entry}"),
        ("GET", "/api/export"),
        ("DELETE", "/api/me"),
    }
    assert files >= {("GET", "/"), ("GET", "/app.js"), ("GET", "/style.css"), ("GET", "/icon.svg")}
