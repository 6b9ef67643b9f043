"""The page's wire format and the small decisions about it."""

from __future__ import annotations

import string

import pytest

from bot.platforms.web.errors import FAULTS, BadPhoto, PageError
from bot.platforms.web.wire import media_type_of, parse_language, parse_revision, render_error


@pytest.mark.parametrize(
    ("wish", "header", "language"),
    [
        ("en", "zh-CN,zh;q=0.9", "en"),
        ("zh", "en-US", "zh"),
        ("", "en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("", "fr-FR, zh-TW;q=0.5", "zh"),
        ("", "de", "en"),
        ("", "", "zh"),
        ("<script>", "", "zh"),
    ],
)
def test_language_is_the_pages_own_then_the_browsers_then_ours(wish, header, language):
    assert parse_language(wish, header) == language


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\n\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVE", ""),
        (b"<svg xmlns=", ""),
        (b"GIF89a", "image/gif"),
        (b"MM\0*", "image/tiff"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypavif", "image/avif"),
        (b"\0\0\0\x18ftypisom", ""),
        (b"", ""),
    ],
)
def test_type_of_a_file_is_told_by_its_first_bytes(head, media_type):
    assert media_type_of(head) == media_type


@pytest.mark.parametrize(("text", "revision"), [("17", 17), ("", None), ("١٧", None), ("-1", None)])
def test_revision_is_a_plain_number_or_nothing(text, revision):
    assert parse_revision(text) == revision


@pytest.mark.parametrize(("language", "said"), [("zh", "坏了。"), ("en", "It is broken.")])
def test_what_is_wrong_with_a_photo_is_said_by_who_looked_at_it(language, said):
    body = render_error(BadPhoto("坏了。", "It is broken.", photo=3), language)

    assert body["error"] == {"code": "bad_photo", "message": said, "photo": 3, "seconds": None}


@pytest.mark.parametrize("code", FAULTS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_refusal_has_a_whole_sentence_in_both_languages(code, language):
    fault = FAULTS[code]
    names = {name for _, name, _, _ in string.Formatter().parse(fault.zh + fault.en) if name}

    body = render_error(PageError(code, **dict.fromkeys(names, 8)), language)

    sentence = body["error"]["message"]
    assert "{" not in sentence
    assert sentence.endswith("。" if language == "zh" else ".") or sentence.endswith("Host.")
