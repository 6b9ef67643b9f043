"""Cases of content safety in chats: the orders of staff, the buttons below their letters, and
/appeal for everybody.
"""

from __future__ import annotations

from dataclasses import replace

from bot.access.quota import Misread
from bot.action import Action, Ignore, Say
from bot.admin import orders
from bot.admin.casenews import case_buttons
from bot.admin.commands import ORDERS, explained
from bot.event import Event
from bot.storage.audit import act_of
from bot.storage.cases import Case
from bot.storage.outbox import Letter
from bot.storage.ticket import event_name
from handlers.admin import actor_of, here_of
from handlers.commands import Command, Handler, argument_of, command_of, is_allowed
from handlers.desk import Desk

_LONGEST_APPEAL = 500


async def appeal(event: Event, desk: Desk) -> Action:
    """About the newest message of theirs that was blocked in this chat."""
    words = argument_of(event.text)[:_LONGEST_APPEAL]
    act, language = act_of(event, "/appeal"), desk.language(replace(event, text=""))
    return Say(await desk.office.cases.appeal(act, event.conversation, words, language))


async def may_appeal(event: Event, desk: Desk) -> bool:
    """Also who is shut out may say once that it was a mistake."""
    if event.kind != "message" or command_of(event.text) != "appeal" or not event.addressed:
        return False
    person = f"{event.conversation.platform}:{event.person.id}"
    return await desk.office.cases.has_appeal(event.conversation, person)


async def press(event: Event, desk: Desk) -> Action:
    """A button's name is the command and the number, and it takes the same right."""
    command = STAFFS[event.text.partition(" ")[0]]
    if not await is_allowed(command, event, desk):
        await desk.office.audit.deny(act_of(event))
        return Ignore()
    return await command.handler(event, desk)


def _ordered(name: str) -> Handler:
    async def handle(event: Event, desk: Desk) -> Action:
        actor = await actor_of(event, desk, least="staff")
        try:
            here = await here_of(event, desk)
            report = await ORDERS[name](argument_of(event.text), here, actor, desk.office)
        except Misread as error:
            return Say(explained(name, error, actor))
        return Say(report.as_message())

    return handle


async def _case(event: Event, desk: Desk) -> Action:
    """With its buttons, and the photo that it is about."""
    said = await _ordered("case")(event, desk)
    found = await _shown(event, desk)
    if found is None or not isinstance(said, Say):
        return said
    if found.facts.photo:
        await desk.outbox.put([_photo_of(found, event)])
    language = desk.language(replace(event, text=""))
    buttons = case_buttons(found, language)[:-1]  # it is shown already
    return replace(said, buttons=buttons)


async def _shown(event: Event, desk: Desk) -> Case | None:
    """The case that the words ask to see."""
    try:
        order = orders.parse_case(argument_of(event.text))
    except Misread:
        return None
    return await desk.office.cases.find(order.number) if order.step == "show" else None


def _photo_of(case: Case, event: Event) -> Letter:
    """Without words: where the photo is not kept any more, nothing comes."""
    key = f"case/{case.id}/photo/{event_name(event)}"
    return Letter(key, replace(event.conversation, person=""), "", photo=case.facts.photo)


STAFFS: dict[str, Command] = {
    "cases": Command(_ordered("cases"), "about_cases", "usage_of_cases", "staff", "desk"),
    "case": Command(_case, "about_case", "usage_of_case", "staff", "desk"),
    "approve": Command(_ordered("approve"), "about_approve", "usage_of_approve", "staff", "desk"),
    "reject": Command(_ordered("reject"), "about_reject", "usage_of_reject", "staff", "desk"),
}
