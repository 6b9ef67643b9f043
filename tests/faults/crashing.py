"""The program, which kills itself at a named point: `CRASH_AT=after_accept:3 python -m
tests.faults.crashing run`. 3: the third time it comes there; without a number: the first. With
`CRASH_AT="where told"` it dies as soon as it comes to the point whose name is written into the
file CRASH_ORDER, so that one start serves until the next death. "raise " before the name: it does
not die, but what it does there fails.

The program itself knows nothing of this: its own methods are wrapped before it starts.
"""

from __future__ import annotations

import inspect
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from itertools import count
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.answering.ending import Endings
from bot.arriving.arrivals import Arrivals
from bot.cli import main
from bot.delivery import Delivery
from bot.prompt import Prompter
from bot.reply import Reply
from bot.storage.history import History
from bot.storage.inbox import Inbox
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.page import Page
from bot.storage.photos import Photos
from bot.storage.repeats import KeptAnswers
from bot.storage.tables import inbox

WHERE_TOLD = "where told"
POISON = "POISON"  # a question with this word kills whoever builds its prompt, at "poison"
_FAILS = "raise "
_OPENING = "…"  # of the second and further messages of an answer


@dataclass(frozen=True)
class Point:
    """Before or after what the method does, if its arguments are the ones meant."""

    owner: type
    method: str
    when: Literal["before", "after"]
    meant: Callable[..., bool] = lambda *_, **__: True


def _is_final(_self: Any, *args: Any, **_: Any) -> bool:
    return bool(args[-1].final)


def _is_first(_self: Any, *args: Any, **_: Any) -> bool:
    return not args[-1].final


def _continues(_self: Any, *args: Any, **_: Any) -> bool:
    """It opens a further message of a long answer."""
    return not args[-1].final and args[-1].text == _OPENING


def _is_further(_self: Any, _entry_id: int, part: int, *_: Any) -> bool:
    return part > 0


def _is_new_entry(_self: Any, statement: Any, *_: Any, **__: Any) -> bool:
    return bool(getattr(statement, "is_insert", False) and statement.table is inbox)


def _is_poison(_self: Any, asked: Any) -> bool:
    return POISON in asked.text


def _is_ours(_self: Any, _chat: str, side: str, *_: Any, **__: Any) -> bool:
    return side == "bot"


def _is_theirs(*args: Any, **more: Any) -> bool:
    return not _is_ours(*args, **more)


def _is_whole(*_: Any, final: bool, **__: Any) -> bool:
    return final


POINTS = {
    # a message arrives
    "before_accept": Point(Inbox, "accept", "before"),
    "before_commit": Point(AsyncConnection, "execute", "after", _is_new_entry),
    "after_accept": Point(Inbox, "accept", "after"),
    # photos: fetched and kept, alone or with their question
    "before_photo": Point(Delivery, "fetch", "before"),
    "after_photo": Point(Photos, "put", "after"),
    "after_keeping": Point(History, "keep_photos", "after"),
    "before_photo_end": Point(Inbox, "end", "before"),
    # a question joins the line
    "before_reserve": Point(Ledger, "reserve", "before"),
    "after_wait": Point(Inbox, "wait_with", "after"),  # not committed yet
    "after_reserve": Point(Ledger, "reserve", "after"),
    # it is answered
    "after_begin": Point(Inbox, "begin", "after"),
    "poison": Point(Prompter, "build", "before", _is_poison),
    "mid_answer": Point(Reply, "show", "after"),
    "before_send": Point(Delivery, "send", "before"),
    "after_send": Point(Delivery, "send", "after", _is_first),
    "after_note": Point(Inbox, "note_reply", "after"),
    "after_preview": Point(Delivery, "edit", "after", _is_first),
    "after_key": Point(Inbox, "open_reply", "after", _is_further),
    "after_continuing": Point(Delivery, "send", "after", _continues),
    "before_final": Point(Delivery, "edit", "before", _is_final),
    "after_final": Point(Delivery, "edit", "after", _is_final),
    # its end
    "before_settle": Point(Ledger, "settle", "before"),
    "after_settle": Point(Ledger, "settle", "after"),
    "before_end": Point(History, "answered", "before"),
    "after_end": Point(Endings, "write", "after"),
    # a part of the program asks for its next work
    "dispatcher": Point(Arrivals, "next", "before"),
    "postman": Point(Outbox, "arrived", "before"),
    # letters of the outbox
    "after_put": Point(Outbox, "put_with", "after"),  # not committed yet
    "before_letter": Point(Outbox, "sent", "after"),
    "before_letter_note": Point(Outbox, "note", "before"),
    "after_letter_note": Point(Outbox, "note", "after"),
    "after_letter_end": Point(Outbox, "end", "after"),
    # the web page's own way
    "before_page_question": Point(Page, "add", "before", _is_theirs),
    "after_page_question": Point(Page, "add", "after", _is_theirs),
    "after_page_answer": Point(Page, "add", "after", _is_ours),
    "before_page_final": Point(Page, "set_text", "before", _is_whole),
    "after_page_final": Point(Page, "set_text", "after", _is_whole),
    # the API's
    "after_reserve_call": Point(Ledger, "reserve_call", "after"),
    "before_settle_call": Point(Ledger, "settle_call", "before"),
    "after_settle_call": Point(Ledger, "settle_call", "after"),
    "before_keeping_answer": Point(KeptAnswers, "put", "before"),
    "after_keeping_answer": Point(KeptAnswers, "put", "after"),
}


def arm(name: str, nth: int) -> None:
    """From now on: the `nth` time the point is reached, the process is gone."""
    fails, point = name.startswith(_FAILS), POINTS[name.removeprefix(_FAILS)]
    times = count(1)
    wrap(point, lambda: _act(fails=fails) if next(times) == nth else None)


def arm_all(order: Path) -> None:
    """From now on: the process is gone when it reaches the point that the file names."""
    for name, point in POINTS.items():
        wrap(point, partial(_obey, order, name))


def wrap(point: Point, reached: Callable[[], None]) -> None:
    """`reached` is called each time."""
    original = getattr(point.owner, point.method)

    def pass_by(when: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if point.when == when and point.meant(*args, **kwargs):
            reached()

    @wraps(original)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        pass_by("before", args, kwargs)
        result = await original(*args, **kwargs)
        pass_by("after", args, kwargs)
        return result

    @wraps(original)
    def wrapped_at_once(*args: Any, **kwargs: Any) -> Any:
        pass_by("before", args, kwargs)
        result = original(*args, **kwargs)
        pass_by("after", args, kwargs)
        return result

    is_async = inspect.iscoroutinefunction(original)
    setattr(point.owner, point.method, wrapped if is_async else wrapped_at_once)


def _obey(order: Path, name: str) -> None:
    """The `nth` time, as in CRASH_AT; what is left of it stands in the file."""
    if not order.exists():
        return
    told, _, nth = order.read_text("ascii").partition(":")
    if told.removeprefix(_FAILS) != name:
        return
    left = int(nth or 1) - 1
    if left:
        order.write_text(f"{told}:{left}", "ascii")
    else:
        order.unlink()
        _act(fails=told.startswith(_FAILS))


def _act(*, fails: bool) -> None:
    if fails:
        raise ZeroDivisionError("provoked")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    told, _, nth = os.environ.pop("CRASH_AT").partition(":")
    if told == WHERE_TOLD:
        arm_all(Path(os.environ["CRASH_ORDER"]))
    else:
        arm(told, int(nth or 1))
    sys.argv[0] = "visionbot"
    main()
