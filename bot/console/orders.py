"""An order given on the operator's page: one of the chats' own, each click carried out once."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from bot.access.quota import Misread
from bot.admin.actor import Actor
from bot.admin.commands import ORDERS, explained
from bot.admin.office import Office
from bot.admin.orders import Here
from bot.console.entry import Visitor
from bot.storage.audit import Act
from bot.texts import Language, say


class OrderBody(BaseModel, extra="forbid", frozen=True):
    id: str = Field(pattern=r"^[0-9a-f]{32}$")  # of the click: sent again, it changes nothing more
    command: str = Field(max_length=32)
    words: str = Field("", max_length=4000)


async def carry_out(
    order: OrderBody, visitor: Visitor, language: Language, office: Office
) -> dict[str, Any]:
    """What is said about it, with rows where it lists something. `done`: nothing was wrong with
    it, and no rule forbade it."""
    if order.command not in ORDERS:
        known = ", ".join(ORDERS)
        said = say("console_no_order", language, command=order.command, known=known)
        return _render(said, done=False)
    words = " ".join(order.words.split())
    event = f"console/{visitor.person}/{order.id}"
    act = Act(event, visitor.person, f"/{order.command} {words}".rstrip())
    actor = Actor(act, visitor.role, language)
    try:
        report = await ORDERS[order.command](words, Here(), actor, office)
    except Misread as error:
        return _render(explained(order.command, error, actor), done=False)
    refused = await office.audit.is_refused(event)
    return _render(report.title, [list(row) for row in report.rows], done=not refused)


def _render(said: str, rows: list[list[str]] | None = None, *, done: bool) -> dict[str, Any]:
    return {"said": said, "rows": rows or [], "done": done}
