"""How a question gets in: once, within limits, and with a sentence when it does not."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from bot.platforms.base import Post
from bot.platforms.web.errors import FAULTS
from bot.platforms.web.visitor import Visitor
from bot.texts import TEXTS

# aiohttp's multipart reader calls a deprecated method of its own when a piece ends in a boundary.
pytestmark = pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")

MEGABYTE = 2**20
JPEG = b"\xff\xd8\xff\xe0"  # enough to be taken for one


async def test_question_with_a_photo_is_accepted_before_it_is_acknowledged(served, photo):
    status, shown = await served.ask("图里有什么？", [photo])

    (event,) = served.inbox.events
    assert status == 202
    assert event.text == "图里有什么？"
    assert (event.bot, event.message, event.conversation.platform) == ("web", "question-1", "web")
    assert event.person.language == "zh"
    assert [(p.ref, p.media_type, p.size_bytes) for p in event.photos] == [
        (hashlib.sha256(photo).hexdigest(), "image/png", len(photo))
    ]
    assert (shown["side"], shown["text"], shown["key"]) == ("person", "图里有什么？", "question-1")


async def test_kept_photo_can_be_fetched_by_the_reference_in_the_event(served, photo):
    await served.ask("图里有什么？", [photo])

    (attachment,) = served.inbox.events[0].photos
    assert await served.platform.fetch(attachment, max_bytes=MEGABYTE) == photo


async def test_chat_is_not_the_secret_in_the_cookie(served):
    await served.ask("你好")

    (cookie,) = served.browser.cookie_jar
    assert cookie.value not in repr(served.inbox.events)


async def test_repeated_question_is_asked_once_and_shown_once(served):
    first = await served.ask("你好")

    second = await served.ask("你好")

    assert first == second
    assert len(served.inbox.events) == 1
    assert await served.texts() == ["你好"]


async def test_question_sent_twice_at_the_same_time_is_shown_once(served):
    served.inbox.gate = asyncio.Event()
    both = asyncio.gather(served.ask("你好"), served.ask("你好"))
    await served.inbox.called.wait()

    served.inbox.gate.set()

    assert [status for status, _ in await both] == [202, 202]
    assert await served.texts() == ["你好"]
    assert served.inbox.calls == 1


async def test_question_repeated_after_a_restart_is_shown_once(place, stranger, photo):
    async with place.serve(browser=stranger) as before:
        await before.ask("图里有什么？", [photo])
        await before.platform.send(
            before.chat, Post("正在看图", final=False), reply_to=None, key="k"
        )
    async with place.serve(browser=stranger) as after:
        status, _ = await after.ask("图里有什么？", [photo])

        assert status == 202
        assert await after.texts() == ["图里有什么？", "正在看图"]


async def test_same_words_asked_again_are_a_new_question(served):
    await served.ask("你好", key="question-1")

    await served.ask("你好", key="question-2")

    assert await served.texts() == ["你好", "你好"]
    assert [event.message for event in served.inbox.events] == ["question-1", "question-2"]


async def test_page_knows_its_question_again_after_a_restart(place, stranger):
    async with place.serve(browser=stranger) as before:
        await before.ask("你好", key="question-1")
    async with place.serve(browser=stranger) as after:
        (message,) = (await after.visit())["messages"]

    assert message["key"] == "question-1"


async def test_question_that_could_not_be_committed_is_not_acknowledged(served):
    served.inbox.fault = OSError("disk full")

    status, body = await served.ask("你好")

    assert (status, body["error"]["code"]) == (503, "not_kept")
    assert "disk" not in body["error"]["message"]
    assert (await served.ask("你好"))[0] == 202
    assert await served.texts() == ["你好"]


async def test_question_is_committed_though_the_person_goes_away(served):
    served.inbox.gate = asyncio.Event()
    asking = asyncio.ensure_future(served.ask("你好"))
    await served.inbox.called.wait()

    asking.cancel()
    await asyncio.wait([asking])
    await served.visit()  # by now the server knows that the other connection is gone
    served.inbox.gate.set()

    await served.inbox.committed.wait()
    assert served.inbox.events[0].text == "你好"


async def test_before_the_program_runs_a_question_is_put_off(place):
    async with (
        place.serve(runs=False) as served,
        served.browser.post(f"{served.url}/api/ask") as response,
    ):
        assert (response.status, response.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize(
    ("fields", "photos", "status", "code"),
    [
        pytest.param({"text": ""}, [], 400, "empty", id="nothing at all"),
        pytest.param({"text": " \n "}, [], 400, "empty", id="only blanks"),
        pytest.param(
            {"text": "你" * 20_001}, [], 413, "text_too_long", id="one character too many"
        ),
        pytest.param({"text": "x" * 90_000}, [], 413, "text_too_long", id="far too long"),
        pytest.param({"text": "?"}, [JPEG] * 9, 413, "too_many_photos", id="nine photos"),
        pytest.param(
            {"text": "?"},
            [JPEG.ljust(MEGABYTE + 1)],
            413,
            "photo_too_large",
            id="one byte too many",
        ),
        pytest.param({"text": "?", "key": "short"}, [], 400, "malformed", id="bad key"),
        pytest.param({"text": "?", "key": "../../etc/x"}, [], 400, "malformed", id="path as key"),
        pytest.param({"text": "?", "lang": "z" * 400}, [], 400, "malformed", id="huge language"),
        pytest.param({"text": "?"}, [b""], 400, "picture_empty", id="empty photo"),
        pytest.param({"text": "?"}, [b"BM" + bytes(60)], 415, "picture_format", id="BMP"),
        pytest.param({"text": "?"}, [JPEG, b"<svg>"], 415, "picture_format", id="SVG after JPEG"),
        pytest.param({"text": "?", "key": "short"}, [JPEG], 400, "malformed", id="photo, bad key"),
        pytest.param({"text": "?", "owner": "me"}, [], 400, "malformed", id="unknown field"),
        pytest.param({"text": b"\xff\xfe"}, [], 400, "malformed", id="not UTF-8"),
    ],
)
async def test_question_beyond_a_limit_is_refused_and_nothing_of_it_kept(
    served, place, fields, photos, status, code
):
    answer = await served.ask(photos=photos, **fields)

    assert (answer[0], answer[1]["error"]["code"]) == (status, code)
    assert served.inbox.events == []
    assert await served.texts() == []
    assert not place.folder.exists()


async def test_refusal_tells_which_photo_it_is_about(served):
    _, refused = await served.ask("?", [JPEG, b"<svg>", JPEG])
    _, too_long = await served.ask("x" * 90_000, [JPEG])

    assert (refused["error"]["photo"], too_long["error"]["photo"]) == (2, None)


async def test_metadata_of_a_photo_is_not_on_the_disk(served, place):
    await served.ask("?", [JPEG + b"+taken at home"])

    kept = [file.read_bytes() for file in place.folder.rglob("*") if file.is_file()]
    (photo,) = served.inbox.events[0].photos
    assert kept == [JPEG]
    assert (photo.size_bytes, await served.photos.get(photo.ref)) == (len(JPEG), JPEG)


async def test_photo_that_cannot_be_used_is_refused_in_the_words_of_who_looked(served):
    status, answer = await served.ask("?", [JPEG, JPEG + b"unusable"])

    error = answer["error"]
    assert (status, error["code"], error["photo"]) == (415, "bad_photo", 2)
    assert error["message"] in ("坏了。", "It is broken.")
    assert served.inbox.events == []


@pytest.mark.parametrize("code", ["picture_empty", "picture_format"])
def test_photo_is_refused_with_the_words_of_the_bot(code):
    assert (FAULTS[code].zh, FAULTS[code].en) == (TEXTS[code].zh, TEXTS[code].en)


async def test_longest_question_with_eight_photos_is_accepted(served, photo):
    status, _ = await served.ask("你" * 20_000, [photo + bytes([n]) for n in range(8)])

    assert status == 202
    assert len(served.inbox.events[0].photos) == 8


@pytest.mark.row(55)
async def test_nul_characters_do_not_reach_the_database(served):
    await served.ask("a\0b")

    assert await served.texts() == ["ab"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", b"{}", id="JSON"),
        pytest.param("multipart/form-data", b"", id="no boundary"),
        pytest.param("multipart/form-data; boundary=x", b"--x\r\nno colon\r\n\r\n", id="bad head"),
        pytest.param("multipart/form-data; boundary=x", b"hello", id="no parts"),
        pytest.param(
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nhalf',
            id="cut off",
        ),
        pytest.param(
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n"
            b"--y\r\n\r\na\r\n--y--\r\n--x--",
            id="multipart in multipart",
        ),
        pytest.param("multipart/form-data; boundary=" + "x" * 200, b"--x", id="boundary too long"),
    ],
)
async def test_body_that_makes_no_sense_is_refused(served, content_type, body):
    headers = {"Content-Type": content_type}

    status, answer = await served.call("POST", "/api/ask", data=body, headers=headers)

    assert (status, answer["error"]["code"]) == (400, "malformed")


async def test_announced_size_is_enough_to_refuse_a_body(served):
    visitor = Visitor("0" * 32)
    head = (
        "POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x"
        f"\r\nContent-Length: {2**40}\r\nCookie: visionbot={visitor.secret}\r\n"
        f"X-CSRF-Token: {visitor.csrf}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.url.rpartition(":")[2]))

    writer.write(head.encode())
    status_line = await reader.readline()

    writer.close()
    assert b" 413 " in status_line


@pytest.mark.parametrize(("language", "word"), [("zh", "请写下问题"), ("en", "Please write")])
async def test_refusal_speaks_the_language_of_the_page(served, language, word):
    _, refused = await served.call(
        "POST",
        f"/api/ask?lang={language}",
        data=b"--x\r\nContent-Disposition: form-data; name=key\r\n\r\n12345678\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert refused["error"]["message"].startswith(word)
