"""What an operator may change while the program runs: who may ask, how much, how groups are served.

/reload reads these sections of config.toml again; every other section is read at the start alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from bot.access import names
from bot.access.periods import Periods
from bot.access.quota import GivenRole, Limit, Misread, parse_limit
from bot.service.hours import OfficeHours, office_hours
from bot.storage.retention.section import RetentionSection
from bot.texts import say
from inference.fallback import FallbackSection
from inference.safety.section import SafetySection


def _read_by(parse: Callable[[str], object]) -> AfterValidator:
    """A text that `parse` understands; what it says otherwise names value and remedy."""

    def check(text: str) -> str:
        try:
            parse(text)
        except Misread as error:
            raise ValueError(f"is wrong: {say(error.key, 'en', **error.values)}") from None
        return text

    return AfterValidator(check)


PersonName = Annotated[str, _read_by(names.parse_person)]
ChatName = Annotated[str, _read_by(names.parse_chat)]
LimitText = Annotated[str, _read_by(parse_limit)]


class AccessSection(BaseModel, extra="forbid", frozen=True):
    """`[access]`; people are named "platform:id", such as "telegram:12345"."""

    who: Literal["everyone", "members"] = "everyone"
    owners: tuple[PersonName, ...] = ()
    admins: tuple[PersonName, ...] = ()
    staff: tuple[PersonName, ...] = ()
    admin_chats: tuple[ChatName, ...] = ()


class GroupsSection(BaseModel, extra="forbid", frozen=True):
    answer: Literal["addressed", "all"] = "addressed"
    window: Literal["person", "shared"] = "person"


class QuotaSection(BaseModel, extra="forbid", frozen=True):
    """Limits of each role, written as in /quota: "20 questions/day"."""

    guest: tuple[LimitText, ...] = ()
    member: tuple[LimitText, ...] = ()
    staff: tuple[LimitText, ...] = ()
    admin: tuple[LimitText, ...] = ()
    group: tuple[LimitText, ...] = ()  # of each group, all its people together
    timezone: str = ""  # empty: the machine's

    @field_validator("guest", "member", "staff", "admin", "group")
    @classmethod
    def _each_once(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        seen = [parse_limit(text).name for text in texts]
        for name in seen:
            if seen.count(name) > 1:
                raise ValueError(f"must name {name} once; take one of its limits out")
        return texts

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        Periods(name)
        return name

    def limits_of(self, whose: GivenRole | Literal["group"]) -> list[Limit]:
        texts: tuple[str, ...] = getattr(self, whose)
        return [parse_limit(text) for text in texts]


HandOffRule = Literal["refused", "engine", "unsure", "unknown"]


class ServiceSection(BaseModel, extra="forbid", frozen=True):
    """`[service]`; off while there is no staff_chat. Chats are named "platform:chat"."""

    staff_chat: str = ""
    customers: tuple[str, ...] = ()
    call_words: tuple[str, ...] = (
        *("人工", "人工客服", "客服", "真人", "工作人员"),
        *("human", "person", "agent", "operator", "customer service"),
    )
    dissatisfied_after: int = Field(2, ge=0, le=20)
    dissatisfied_words: tuple[str, ...] = (
        *("没用", "没有用", "没帮助", "没有帮助", "不满意", "不对", "答非所问"),
        *("not helpful", "unhelpful", "useless", "wrong", "not right"),
    )
    hand_off: tuple[HandOffRule, ...] = ("refused", "engine", "unsure")
    unsure_words: tuple[str, ...] = (
        *("我不知道", "我无法回答", "我不能回答", "没有相关信息"),
        *("i dont know", "i do not know", "i cannot answer", "i cant answer"),
    )
    hours: tuple[str, ...] = ()
    timezone: str = "Asia/Shanghai"
    remind_after_s: float = Field(600.0, ge=0.0)
    escalate_after_s: float = Field(3600.0, ge=0.0)
    escalate_to: str = ""
    escalate_names: tuple[str, ...] = ()
    close_after_s: float = Field(259_200.0, ge=0.0)
    ask_satisfaction: bool = True
    trust_staff_chat: bool = True
    signature: str = "{name}"
    model_summary: bool = False

    @field_validator("staff_chat", "escalate_to")
    @classmethod
    def _is_chat(cls, value: str) -> str:
        if value and not all(value.partition(":")):
            raise ValueError('must be a chat, "platform:chat" such as "telegram:-10012345", or ""')
        return value

    @field_validator("customers")
    @classmethod
    def _are_chats(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if value != "private" and not all(value.partition(":")):
                raise ValueError(f'must hold "private" or chats, "platform:chat", not {value!r}')
        return values

    @field_validator("signature")
    @classmethod
    def _names_at_most_the_name(cls, value: str) -> str:
        if "{" in value.replace("{name}", "") or "}" in value.replace("{name}", ""):
            raise ValueError('must be text in which "{name}" stands for who writes')
        return value

    @model_validator(mode="after")
    def _can_be_read(self) -> ServiceSection:
        office_hours(self.hours, self.timezone)
        return self

    def serves(self, platform: str, chat: str, *, group: bool) -> bool:
        """Is there a service desk for who writes in this chat?"""
        name = f"{platform}:{chat}"
        if not self.staff_chat or name in (self.staff_chat, self.escalate_to):
            return False
        if not self.customers:
            return True
        return name in self.customers or (not group and "private" in self.customers)

    def office(self) -> OfficeHours:
        return office_hours(self.hours, self.timezone)


class KnowledgeSection(BaseModel, extra="forbid", frozen=True):
    """`[knowledge]`"""

    passages: int = Field(4, ge=0, le=20)
    max_file_mb: int = Field(20, ge=1, le=100)


class RuleSet(BaseModel, extra="forbid", frozen=True):
    access: AccessSection = AccessSection()
    groups: GroupsSection = GroupsSection()
    quota: QuotaSection = QuotaSection()
    service: ServiceSection = ServiceSection()
    knowledge: KnowledgeSection = KnowledgeSection()
    safety: SafetySection = SafetySection()
    fallback: FallbackSection = FallbackSection()
    retention: RetentionSection = RetentionSection()


@dataclass(frozen=True, slots=True)
class Reread:
    """The file as it is now."""

    rules: RuleSet
    need_restart: tuple[str, ...] = ()  # sections that changed since the start, but are no rules


@dataclass(frozen=True, slots=True)
class Changes:
    """What a reload did: names of sections."""

    applied: tuple[str, ...]
    need_restart: tuple[str, ...] = ()


class Rules:
    """`now` is what holds at this moment; whoever needs a rule asks each time."""

    def __init__(self, first: RuleSet, read: Callable[[], Reread] | None = None) -> None:
        """`read`: reads and checks the file again; raises ConfigError, and then nothing changes."""
        self._now = first
        self._read = read

    @property
    def now(self) -> RuleSet:
        return self._now

    def reload(self) -> Changes:
        """Without a file nothing changes."""
        if self._read is None:
            return Changes(())
        read = self._read()
        before, self._now = self._now, read.rules
        applied = [
            name
            for name in RuleSet.model_fields
            if getattr(before, name) != getattr(self._now, name)
        ]
        return Changes(tuple(applied), read.need_restart)

    def change(self, **sections: BaseModel) -> None:
        """For tests and the terminal, which have no file."""
        self._now = self._now.model_copy(update=sections)
