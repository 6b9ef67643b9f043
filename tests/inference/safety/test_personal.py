"""Numbers and addresses of people: found in every writing, covered once, the same when streamed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.safety.personal.masking import Kind, PersonalStage, find, mask

ALL: tuple[Kind, ...] = ("id_card", "bank_card", "phone", "email", "passport")


def _covered(text: str) -> str:
    return mask(text, ALL)


_PIECES = st.sampled_from(
    [
        *("13800138000", "138 0013 8000", "138-0013-8000", "1 3 8 0 0 1 3 8 0 0 0", "+86 ", "86"),
        *(
            "11010119900307774X",
            "110101 19900307 774x",
            "6222021234567890128",
            "4111 1111 1111 1111",
        ),
        *("110101900307123", "身份证", "护照", "E12345678", "EA1234567", "passport ", "123456789"),
        *(
            "lisi@qq.com",
            "l@a.cn",
            "l***@qq.com",
            "***",
            "****",
            "*",
            "**",
            "@",
            ".",
            "-",
            "+",
            "_",
        ),
        *("telegram:", "wecom:", "tel", "wx", "id", "x", "X", "a", "(", ")", " ", "  ", "\n", "，"),
        *(
            "0",
            "1",
            "3",
            "8",
            "62",
            "138",
            "0013",
            "8000",
            "1990",
            "的",
            "１３８",
            "\u200b",
            ":",
            "qq.com",
        ),
        *("a" * 40, "1" * 30, "a." * 30, "*" * 30, "中" * 20),
    ]
)
_TEXTS = st.lists(_PIECES, max_size=14).map("".join) | st.text(
    alphabet="0123456789 -.+@*xXaq()\u200b的：1１", max_size=150
)


@given(_TEXTS, st.lists(st.integers(0, 200), max_size=20))
def test_a_stream_gives_what_the_whole_text_gives_however_it_is_cut(
    text: str, cuts: list[int]
) -> None:
    stage = PersonalStage(ALL)
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]

    shown = [stage.feed(text[a:b]) for a, b in pairwise(places)]

    assert "".join([*shown, stage.close()]) == _covered(text)


@given(_TEXTS)
def test_a_stream_of_single_characters_gives_what_the_whole_text_gives(text: str) -> None:
    stage = PersonalStage(ALL)

    shown = [stage.feed(character) for character in text]

    assert "".join([*shown, stage.close()]) == _covered(text)


@pytest.mark.parametrize(
    "text",
    [
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1@qq.com",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 0l***@qq.com",
        f"{'a.' * 40}E12345678 passport",
        "138 0013 8000@qq.com",
    ],
)
def test_a_stream_that_once_differed_does_not_any_more(text: str) -> None:
    stage = PersonalStage(ALL)

    shown = "".join([stage.feed(character) for character in text]) + stage.close()

    assert shown == _covered(text)
    assert _covered(shown) == shown


@given(_TEXTS)
def test_masking_twice_changes_nothing(text: str) -> None:
    once = _covered(text)

    assert _covered(once) == once
    assert len(once) == len(text)


@given(_TEXTS, st.sets(st.sampled_from(ALL)))
def test_masking_some_kinds_twice_changes_nothing(text: str, kinds: set[Kind]) -> None:
    once = mask(text, kinds)

    assert mask(once, kinds) == once


PERSONAL = {
    "phone": ("打13800138000找我", "打138****8000找我"),
    "phone with the country": ("+8613800138000", "+86138****8000"),
    "phone with 0086": ("0086-138-0013-8000", "0086-138******8000"),
    "phone in groups": ("138 0013 8000", "138******8000"),
    "phone in wide figures": ("１３８００１３８０００", "１３８****８０００"),
    "phone in single figures": ("1 3 8 0 0 1 3 8 0 0 0", "1 3 8***************0"),
    "phone with unseen blanks": ("138\u200b0013\u200b8000", "138******8000"),
    "phone behind letters": ("Tel13800138000wx", "Tel138****8000wx"),
    "phone behind an escape": ('"a\\n13800138000"', '"a\\n138****8000"'),
    "phone in bold": ("**13800138000**", "**138****8000**"),
    "phone of another country": ("+852 9123 4567", "+852 912*****7"),
    "phone in brackets": ("+1 (415) 555-2671", "+1 (415*******671"),
    "phone that another number follows": ("138 0013 8000 2026", "138******8000 2026"),
    "identity card": ("11010119900307774X", "110***********774X"),
    "identity card with a small x": ("11010119900307774x", "110***********774x"),
    "identity card in groups": ("110101 19900307 774X", "110*************774X"),
    "identity card of a resident": ("810000199408230021", "810***********0021"),
    "old identity card": ("身份证110101900307123", "身份证110********7123"),
    "bank card": ("卡号6222021234567890128", "卡号6222***********0128"),
    "bank card in groups": ("4111 1111 1111 1111", "4111***********1111"),
    "bank card with hyphens": ("4111-1111-1111-1111", "4111***********1111"),
    "passport": ("护照E12345678", "护照E******78"),
    "passport before its word": ("EA1234567 is my passport", "E******67 is my passport"),
    "address": ("写信lisi@qq.com。", "写信l***@qq.com。"),
    "address of one letter": ("l@qq.com", "*@qq.com"),
    "address in wide letters": ("ｌｉｓｉ＠ｑｑ．ｃｏｍ", "ｌ***＠ｑｑ．ｃｏｍ"),
    "address that is a phone": ("13800138000@163.com", "1**********@163.com"),
}
NOT_PERSONAL = {
    "account of a platform": "/ban telegram:13800138000",
    "account with a wide colon": "wecom：13800138000",
    "account of Matrix": "matrix:@13800138000:example.org",
    "identity card with a wrong check": "110101199003077749",
    "identity card of no province": "990101199003077743",
    "identity card of no day": "110101199013077743",
    "old identity card without its word": "110101900307123",
    "card with a wrong check": "6222021234567890129",
    "card of no issuer": "7000000000000000011",
    "passport without its word": "E12345678",
    "date beside a passport": "护照签发于20200101",
    "longer number": "138001380001",
    "part of a code": "a13800138000b",
    "decimal": "138.00138000",
    "list of figures": "3 1 4 1 5 9 2 6 5 3 5 8 9 7 9 3 2 3 8 4 6 2 6",
    "order number": "订单20260501123456789012",
    "call number": "档号 1234-138-00013-800",
    "no address": "root@localhost and @someone",
    "ISBN": "ISBN 978-7-111-13800-1",
}


@pytest.mark.parametrize(("text", "masked"), PERSONAL.values(), ids=PERSONAL.keys())
def test_numbers_of_people_keep_their_ends_alone(text: str, masked: str) -> None:
    assert _covered(text) == masked


@pytest.mark.parametrize("text", NOT_PERSONAL.values(), ids=NOT_PERSONAL.keys())
def test_other_numbers_stay_as_they_are(text: str) -> None:
    assert _covered(text) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("11010119900307774X", "id_card"),
        ("6222021234567890128", "bank_card"),
        ("13800138000", "phone"),
        ("lisi@qq.com", "email"),
        ("护照E12345678", "passport"),
    ],
)
def test_a_kind_that_is_not_asked_for_is_not_covered(text: str, kind: Kind) -> None:
    others = [one for one in ALL if one != kind]

    assert [found.kind for found in find(text, [kind])] == [kind]
    assert mask(text, others) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "010 8888 13800138000",
            "+86 138-0013-8000",
            "１３８００１３８０００",
            "help@example.org",
        ),
        *("Sales@Branch.example.org", "6222 0212 3456 7890 128"),
    ],
)
def test_numbers_and_addresses_of_the_organisation_are_never_covered(text: str) -> None:
    own = ("138 0013 8000", "help@example.org", "@branch.example.org", "6222021234567890128")

    assert mask(text, ALL, own) == text
    assert mask(f"{text} 13900139000", ALL, own) == f"{text} 139****9000"


def test_ordinary_words_are_shown_without_delay() -> None:
    stage = PersonalStage(ALL)

    assert stage.feed("图里有三个圆，") == "图里有三个圆，"
    assert stage.feed("共12件") == "共12件"
    assert stage.feed("，打1380013") == "，打"
    assert stage.feed("8000。") == "138****8000。"


def test_what_is_held_back_stays_short_whatever_comes() -> None:
    stage, held = PersonalStage(ALL), 0

    for piece in ("1 2 " * 100, "a" * 300, "a." * 200, "@" * 200, "1" * 300, "+" * 300):
        for character in piece:
            held += 1 - len(stage.feed(character))
            assert held <= 132
