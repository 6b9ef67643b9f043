"""Who gives an order, and how what is said back is worded."""

from __future__ import annotations

from dataclasses import dataclass

from bot.access.names import Name
from bot.access.periods import Periods
from bot.access.roles import Role
from bot.event import Conversation
from bot.storage.audit import Act, Outcome
from bot.storage.people import FOR_EVER, Known
from bot.texts import Key, Language, say


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone whose right to order was looked at before."""

    act: Act
    role: Role
    language: Language
    report_to: Conversation | None = None  # where later news is told; None: nowhere

    def say(self, key: Key, **values: object) -> str:
        return say(key, self.language, **values)

    def outcome(self, subject: object, key: Key, **values: object) -> Outcome:
        return Outcome(self.say(key, **values), str(subject))

    def refusal(self, subject: object, key: Key, **values: object) -> Outcome:
        """An outcome that changes nothing, since a rule forbids the order."""
        return Outcome(self.say(key, **values), str(subject), refused=True)

    def role_name(self, role: Role) -> str:
        return self.say(_ROLES[role])

    def role_with_article(self, role: Role) -> str:
        """As a sentence needs it: "is now a member"."""
        return self.say(_AS_ROLES[role])

    def until(self, at: float | None, periods: Periods) -> str:
        """A moment, or that there is no end."""
        if at is None or at >= FOR_EVER:
            return self.say("for_ever")
        return self.say("until", when=periods.written(at))


_ROLES: dict[Role, Key] = {
    "guest": "role_guest",
    "member": "role_member",
    "staff": "role_staff",
    "admin": "role_admin",
    "owner": "role_owner_name",
}
_AS_ROLES: dict[Role, Key] = {
    "guest": "as_guest",
    "member": "as_member",
    "staff": "as_staff",
    "admin": "as_admin",
    "owner": "as_owner",
}


def titled(name: Name, known: Known | None) -> str:
    """ "Ann (telegram:12345)": what they call themselves is for reading alone."""
    called = " ".join(known.name.split()) if known else ""
    return f"{called} ({name})" if called else str(name)
