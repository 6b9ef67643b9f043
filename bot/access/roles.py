"""What a person may do here: a role, known by the platform's own id and by nothing else."""

from __future__ import annotations

from typing import Literal, get_args

from bot.event import Event
from bot.rules import AccessSection, Rules
from bot.storage.people import People

Role = Literal["guest", "member", "staff", "admin", "owner"]  # each may do what those before it may

ROLES: tuple[Role, ...] = get_args(Role)


def is_at_least(role: Role, least: Role) -> bool:
    return ROLES.index(role) >= ROLES.index(least)


def speaks_for_itself(event: Event) -> bool:
    """Only what a person says here and now gives orders: no forwarded and no edited words."""
    return event.kind in ("message", "press") and not event.forwarded and bool(event.person.id)


def configured_role(access: AccessSection, platform: str, person: str) -> Role:
    """What config.toml says; no command takes that away."""
    name = f"{platform}:{person}"
    if name in access.owners:
        return "owner"
    if name in access.admins:
        return "admin"
    return "staff" if name in access.staff else "guest"


async def role_of_person(people: People, rules: Rules, platform: str, person: str) -> Role:
    configured = configured_role(rules.now.access, platform, person)
    given = await people.given_role(platform, person) or "guest"
    return max(configured, given, key=ROLES.index)


async def role_of(event: Event, people: People, rules: Rules) -> Role:
    """The role in which these words are said: a guest's where they prove nothing."""
    if not speaks_for_itself(event):
        return "guest"
    platform = event.conversation.platform
    return await role_of_person(people, rules, platform, event.person.id)
