"""What can stand in [service]: every fault is found at the start and says what to write."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bot.rules import ServiceSection


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ({"staff_chat": "-10012345"}, "platform:chat"),
        ({"staff_chat": "telegram:"}, "platform:chat"),
        ({"escalate_to": ":5"}, "platform:chat"),
        ({"customers": ("everybody",)}, '"private"'),
        ({"hours": ("9-18",)}, "Mon-Fri 09:00-18:00"),
        ({"timezone": "Beijing"}, "Asia/Shanghai"),
        ({"signature": "{who}"}, "{name}"),
        ({"signature": "{name"}, "{name}"),
        ({"hand_off": ("anger",)}, "'refused'"),
        ({"dissatisfied_after": -1}, "0"),
        ({"close_after_s": -1.0}, "0"),
    ],
)
def test_a_fault_is_named_with_what_to_write(values: dict[str, object], remedy: str):
    with pytest.raises(ValidationError) as fault:
        ServiceSection(**values)

    assert remedy in str(fault.value)


@pytest.mark.parametrize(
    ("customers", "served"),
    [
        ((), ["test:ann", "test:shop", "test:other"]),
        (("private",), ["test:ann"]),
        (("test:shop",), ["test:shop"]),
        (("private", "test:shop"), ["test:ann", "test:shop"]),
        (("other:shop",), []),
    ],
)
def test_the_chats_that_are_served(customers: tuple[str, ...], served: list[str]):
    section = ServiceSection(staff_chat="test:staff", customers=customers)
    chats = {"ann": False, "shop": True, "other": True, "staff": True}

    found = [
        f"test:{chat}" for chat, group in chats.items() if section.serves("test", chat, group=group)
    ]

    assert found == served


def test_without_a_staff_chat_nobody_is_served():
    assert not ServiceSection(customers=("private",)).serves("test", "ann", group=False)


def test_who_only_hears_of_those_who_wait_is_no_customer():
    section = ServiceSection(staff_chat="test:staff", escalate_to="test:boss")

    assert not section.serves("test", "boss", group=True)
