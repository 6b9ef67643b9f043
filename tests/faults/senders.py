"""Everybody who may send the bot an order on Telegram, with the rights that they have there: for
the matrix of row 57. Their messages go by the emulator, as Telegram itself tells of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.rules import AccessSection, ServiceSection
from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.people import Person
from tests.emulators.telegram.server import Emulator
from tests.emulators.telegram.strangers import STRANGERS, inline_in_private

Right = Literal["guest", "staff", "admin"]
End = Literal["decided", "shut out", "no order", "unheard"]

NOBODY: frozenset[Right] = frozenset()
GUEST: frozenset[Right] = frozenset({"guest"})
STAFF: frozenset[Right] = frozenset({"guest", "staff"})
ADMIN: frozenset[Right] = frozenset({"guest", "staff", "admin"})


class Town:
    """The people and groups of one emulator, and the rules that name them."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.owner = emulator.person("Owner", username="owner")
        self.admin = emulator.person("Admin", username="admin")
        self.staff = emulator.person("Staff")
        self.given = emulator.person("Given")  # an admin by a command
        self.guest = emulator.person("Guest")
        self.banned = emulator.person("Banned")
        self.twin = emulator.person("Owner", username="0wner")
        self.group_name = emulator.person("Group", username="GroupAn0nymousBot")
        self.victim = emulator.person("Victim")
        self.office = emulator.group("Office")  # orders may be given there
        self.desk = emulator.group("Desk")  # the staff's
        self.market = emulator.group("Market")

    @property
    def access(self) -> AccessSection:
        return AccessSection(
            owners=(f"telegram:{self.owner.id}",),
            admins=(f"telegram:{self.admin.id}",),
            staff=(f"telegram:{self.staff.id}",),
            admin_chats=(f"telegram:{self.office.id}",),
        )

    @property
    def service(self) -> ServiceSection:
        return ServiceSection(staff_chat=f"telegram:{self.desk.id}")


@dataclass(frozen=True)
class Sender:
    """`send` writes the order; `rights`: of whom it must obey there."""

    send: Callable[[Town, str], None]
    rights: frozenset[Right]
    end: End = "decided"


def _by(person: str, chat: str = "") -> Callable[[Town, str], None]:
    def send(town: Town, order: str) -> None:
        _person(town, person).says(order, to=_chat(town, chat))

    return send


def _forwarded(person: str, chat: str = "", *, wrote: str = "owner") -> Callable[[Town, str], None]:
    """`person` passes on what `wrote` has written to somebody else."""

    def send(town: Town, order: str) -> None:
        emulator = town.emulator
        emulator.updates.hold()  # what they wrote elsewhere the bot never hears
        original = _person(town, wrote).says(order)
        emulator.updates.drop()
        _person(town, person).forwards(original, to=_chat(town, chat))

    return send


def _edited(person: str, chat: str = "") -> Callable[[Town, str], None]:
    """A message that said something else becomes the order."""

    def send(town: Town, order: str) -> None:
        town.emulator.updates.hold()
        own = _person(town, person).says("hello", to=_chat(town, chat))
        town.emulator.updates.drop()
        _person(town, person).edits(own, order)

    return send


def _quoting(person: str, chat: str = "") -> Callable[[Town, str], None]:
    """Somebody answers the owner's message and gives the order oneself."""

    def send(town: Town, order: str) -> None:
        town.emulator.updates.hold()
        original = town.owner.says("what shall I order?", to=_chat(town, chat))
        town.emulator.updates.drop()
        _person(town, person).says(order, to=_chat(town, chat), reply_to=original)

    return send


def _stranger(name: str) -> Callable[[Town, str], None]:
    return lambda town, order: STRANGERS[name](town.emulator, town.office, order)


def _person(town: Town, name: str) -> Person:
    found = getattr(town, name)
    assert isinstance(found, Person)
    return found


def _chat(town: Town, name: str) -> Chat | None:
    return getattr(town, name) if name else None


SENDERS: dict[str, Sender] = {
    "owner": Sender(_by("owner"), ADMIN),
    "admin": Sender(_by("admin"), ADMIN),
    "admin by a command": Sender(_by("given"), ADMIN),
    "staff": Sender(_by("staff"), STAFF),
    "guest": Sender(_by("guest"), GUEST),
    "banned": Sender(_by("banned"), NOBODY, "shut out"),
    "name and almost the username of the owner": Sender(_by("twin"), GUEST),
    "name of the anonymous admins' account": Sender(_by("group_name"), GUEST),
    "owner in the office": Sender(_by("owner", "office"), ADMIN),
    "admin in the office": Sender(_by("admin", "office"), ADMIN),
    "staff in the office": Sender(_by("staff", "office"), STAFF),
    "guest in the office": Sender(_by("guest", "office"), GUEST),
    "owner in any other group": Sender(_by("owner", "market"), GUEST),
    "admin in any other group": Sender(_by("admin", "market"), GUEST),
    "owner in the staff's group": Sender(_by("owner", "desk"), STAFF),
    "anybody in the staff's group": Sender(_by("guest", "desk"), STAFF),
    "guest who forwards the owner": Sender(_forwarded("guest"), GUEST),
    "owner who forwards a guest": Sender(_forwarded("owner", wrote="guest"), GUEST),
    "owner who forwards in the office": Sender(_forwarded("owner", "office"), GUEST),
    "anybody who forwards to the staff": Sender(_forwarded("guest", "desk"), GUEST),
    "guest who answers the owner": Sender(_quoting("guest", "office"), GUEST),
    "owner who edits": Sender(_edited("owner"), NOBODY, "no order"),
    "owner who edits in the office": Sender(_edited("owner", "office"), NOBODY, "no order"),
    "owner by an inline bot": Sender(
        lambda town, order: inline_in_private(town.emulator, town.owner, order), NOBODY, "unheard"
    ),
} | {f"{name} in the office": Sender(_stranger(name), NOBODY, "unheard") for name in STRANGERS}
