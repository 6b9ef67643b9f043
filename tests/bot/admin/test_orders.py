"""Command lines of admins: what they order, and what is said of those that order nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access.names import Name
from bot.access.quota import Amount, Limit, Misread, Subject
from bot.admin.orders import (
    BanOrder,
    BroadcastOrder,
    Here,
    PauseOrder,
    QuotaOrder,
    RoleOrder,
    parse_audit,
    parse_ban,
    parse_broadcast,
    parse_nothing,
    parse_pause,
    parse_person_only,
    parse_quota,
    parse_role,
)

ANN = Name("telegram", "12345", "person")
BOB = Name("telegram", "777", "person")
GROUP = Name("telegram", "-100", "group")
HERE = Here("telegram", me=BOB, group=GROUP)
ANSWERING = Here("telegram", me=BOB, group=GROUP, quoted=ANN)
OF_ANN = Subject("person", "telegram:12345")

QUOTAS = {
    "": QuotaOrder(None),
    "show": QuotaOrder(None),
    "12345": QuotaOrder(OF_ANN),
    "telegram:12345 show": QuotaOrder(OF_ANN),
    "me": QuotaOrder(Subject("person", "telegram:777")),
    "12345 set 50 questions/day": QuotaOrder(OF_ANN, "set", Limit(50, "questions", "day")),
    "１２３４５ 设置 50 问题/天": QuotaOrder(OF_ANN, "set", Limit(50, "questions", "day")),
    "12345 set default": QuotaOrder(OF_ANN, "set"),
    "12345 set default tokens/month": QuotaOrder(OF_ANN, "set", only=("tokens", "month")),
    "12345 give 20 questions": QuotaOrder(OF_ANN, "give", amount=Amount(20, "questions")),
    "12345 RESET": QuotaOrder(OF_ANN, "reset"),
    "group give 20 questions": QuotaOrder(
        Subject("group", "telegram:-100"), "give", amount=Amount(20, "questions")
    ),
    "-10012345 reset": QuotaOrder(Subject("group", "telegram:-10012345"), "reset"),
    "group:telegram:-10012345 reset": QuotaOrder(Subject("group", "telegram:-10012345"), "reset"),
    "groups set 0 tokens/day": QuotaOrder(Subject("group", "*"), "set", Limit(0, "tokens", "day")),
    "role:guest set 0 questions/day": QuotaOrder(
        Subject("role", "guest"), "set", Limit(0, "questions", "day")
    ),
    "角色:访客": QuotaOrder(Subject("role", "guest")),
    "staff": QuotaOrder(Subject("role", "staff")),
}


@pytest.mark.parametrize(("words", "order"), QUOTAS.items(), ids=QUOTAS)
def test_an_order_about_quotas_is_read(words: str, order: QuotaOrder):
    assert parse_quota(words, HERE) == order


@pytest.mark.parametrize("words", ["reset", "set 5 questions/day", ""])
def test_without_a_name_it_is_about_who_is_answered(words: str):
    assert parse_quota(words, ANSWERING).subject == OF_ANN


def test_a_name_goes_before_who_is_answered():
    assert parse_quota("777 reset", ANSWERING).subject == Subject("person", "telegram:777")


QUOTA_FAULTS = {
    "reset": "who_missing",
    "set 5 questions/day": "who_missing",
    "12345 sett 5 questions/day": "quota_verb",
    "sett 12345": "quota_verb",
    "12345 50 questions/day": "quota_verb",
    "12345 set": "quota_no_limit",
    "12345 give": "quota_no_amount",
    "12345 set 50": "quota_no_unit",
    "12345 set default questions": "quota_no_period",
    "12345 reset now": "too_many_words",
    "12345 show all": "too_many_words",
    "role:boss reset": "role_unknown",
    "role:owner reset": "role_owner",
    "@ann reset": "name_telegram",
    "ann reset": "name_malformed",
}


@pytest.mark.parametrize(("words", "key"), QUOTA_FAULTS.items(), ids=QUOTA_FAULTS)
def test_what_is_no_order_about_quotas_is_told_why(words: str, key: str):
    with pytest.raises(Misread) as caught:
        parse_quota(words, HERE)

    assert caught.value.key == key


def test_a_misspelt_verb_is_told_the_right_one():
    with pytest.raises(Misread) as caught:
        parse_quota("12345 restet", HERE)

    assert caught.value.values == {"given": "restet", "known": "reset"}


@pytest.mark.parametrize("words", ["group reset", "me reset"])
def test_outside_a_chat_there_is_no_group_and_no_self(words: str):
    with pytest.raises(Misread):
        parse_quota(words, Here())


BANS = {
    "12345": BanOrder(ANN),
    "12345 forever": BanOrder(ANN),
    "12345 2h": BanOrder(ANN, 7200.0),
    "12345 2 hours sent spam": BanOrder(ANN, 7200.0, "sent spam"),
    "12345 3d 广告": BanOrder(ANN, 259_200.0, "广告"),
    "12345 2小时": BanOrder(ANN, 7200.0),
    "12345 永久 广告": BanOrder(ANN, None, "广告"),
    "12345 spam": BanOrder(ANN, None, "spam"),
}


@pytest.mark.parametrize(("words", "order"), BANS.items(), ids=BANS)
def test_a_ban_is_read(words: str, order: BanOrder):
    assert parse_ban(words, HERE) == order


@pytest.mark.parametrize(
    ("words", "order"),
    [("", BanOrder(ANN)), ("2h spam", BanOrder(ANN, 7200.0, "spam")), ("777", BanOrder(BOB))],
)
def test_a_ban_by_answering_needs_no_name(words: str, order: BanOrder):
    assert parse_ban(words, ANSWERING) == order


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("", "who_missing"),
        ("2h", "name_malformed"),
        ("12345 2x", "duration"),
        ("12345 10", "duration"),
        ("12345 1 spam", "duration"),
        ("12345 0m", "duration_range"),
        ("12345 999999999w", "duration_range"),
        ("-100 2h", "name_is_a_group"),
    ],
)
def test_what_is_no_ban_is_told_why(words: str, key: str):
    with pytest.raises(Misread) as caught:
        parse_ban(words, HERE)

    assert caught.value.key == key


def test_a_role_is_read_in_both_languages():
    assert parse_role("12345 staff", HERE) == RoleOrder(ANN, "staff")
    assert parse_role("12345 客服", HERE) == RoleOrder(ANN, "staff")
    assert parse_role("member", ANSWERING) == RoleOrder(ANN, "member")


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("12345", "role_missing"),
        ("12345 stafff", "role_unknown"),
        ("12345 owner", "role_owner"),
        ("12345 staff now", "too_many_words"),
        ("staff", "name_malformed"),
    ],
)
def test_what_is_no_role_is_told_why(words: str, key: str):
    with pytest.raises(Misread) as caught:
        parse_role(words, HERE)

    assert caught.value.key == key


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("", PauseOrder()),
        ("30", PauseOrder(1800.0)),
        ("30 back soon", PauseOrder(1800.0, "back soon")),
        ("2h 正在维护", PauseOrder(7200.0, "正在维护")),
        ("back\n soon", PauseOrder(None, "back\n soon")),
    ],
)
def test_a_pause_is_read(words: str, order: PauseOrder):
    assert parse_pause(words) == order


@pytest.mark.parametrize("words", ["0", "99999999999999999999", "2x now"])
def test_a_pause_has_a_length_that_works(words: str):
    with pytest.raises(Misread, match="duration"):
        parse_pause(words)


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("Hello!\n\nTwo lines.", BroadcastOrder("write", "Hello!\n\nTwo lines.")),
        ("status page is down", BroadcastOrder("write", "status page is down")),
        ("status", BroadcastOrder("status")),
        ("status 3", BroadcastOrder("status", number=3)),
        ("确认 #3", BroadcastOrder("confirm", number=3)),
        ("CANCEL 3", BroadcastOrder("cancel", number=3)),
    ],
)
def test_a_broadcast_is_read(words: str, order: BroadcastOrder):
    assert parse_broadcast(words) == order


@pytest.mark.parametrize(
    ("words", "key"), [("  ", "broadcast_empty"), ("confirm", "broadcast_number")]
)
def test_what_is_no_broadcast_is_told_why(words: str, key: str):
    with pytest.raises(Misread) as caught:
        parse_broadcast(words)

    assert caught.value.key == key


def test_the_log_is_read_in_bounded_pieces():
    assert (parse_audit(""), parse_audit("50")) == (10, 50)
    for words in ("0", "51", "-1", "ten", "9" * 5000):
        with pytest.raises(Misread, match="audit_number"):
            parse_audit(words)


KNOWN_WORDS = (
    *("12345", "me", "group", "role:guest", "set", "give", "reset", "default", "5", "5k", "2h"),
    *("forever", "questions/day", "问题/天", "tokens", "status", "confirm", "-", "@a", "…"),
)
WORDS = st.lists(st.sampled_from(KNOWN_WORDS) | st.text(max_size=8), max_size=6).map(" ".join)


@given(WORDS, st.sampled_from([HERE, ANSWERING, Here()]))
def test_no_words_raise_anything_but_a_misread(words: str, here: Here):
    for parse in (parse_quota, parse_person_only, parse_ban, parse_role):
        with suppress(Misread):
            parse(words, here)
    for parse_words in (parse_pause, parse_broadcast, parse_audit, parse_nothing):
        with suppress(Misread):
            parse_words(words)


@pytest.mark.parametrize("word", ["@spammer", "telegramm:123", "telegram:spammer", "＠spammer"])
def test_a_slip_in_a_name_does_not_ban_whoever_is_quoted(word: str):
    with pytest.raises(Misread):
        parse_ban(f"{word} 3d", ANSWERING)
