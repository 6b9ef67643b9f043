"""What a delivery tells the platform about its calls."""

from __future__ import annotations

from bot.delivery import Delivery
from bot.event import Conversation
from bot.pacing import Governor
from tests.fakes import FakePlatform


async def test_what_is_said_without_the_model_is_final_at_once():
    platform = FakePlatform()
    delivery = Delivery(platform, Governor())

    await delivery.say(Conversation("test", "ann"), "hello", reply_to=None)

    (bubble,) = platform.chats["ann"]
    assert (bubble.text, bubble.final) == ("hello", True)
