"""`[guards]`: models and services that look at words and pictures; from the section to what looks.

Read at the start alone. What follows from their findings stands in [safety] actions, by category.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from inference.errors import ModelUnusable, Where
from inference.images.reading import TextReader
from inference.safety.guards.classify import Classifier, ClassifierSettings
from inference.safety.guards.guard import Adapter, Guard, Guards, Looked, Rule
from inference.safety.guards.itself import Ask, Itself
from inference.safety.guards.judge import Judge, JudgeSettings
from inference.safety.guards.moderation import Moderation, ModerationSettings
from inference.safety.guards.plugin import Plugin
from inference.safety.guards.server import Server
from inference.safety.guards.written import Check, Written
from inference.safety.verdict import Action

_READER = "written"  # the guard that reads pictures

ActionOf = Callable[[str], Action]

_Text = Literal["question", "answer"]
_Category = Annotated[str, Field(pattern=r"^[\w-]{1,60}$")]
_Score = Annotated[float, Field(ge=0.0, le=1.0)]
_Address = Annotated[str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$")]
_UNSAFE_QUESTION = (
    "Does it show or ask for sexual acts, violence against people, crime, weapons, drugs or"
    " self-harm? Answer yes or no."
)


class _Entry(BaseModel, extra="forbid", frozen=True):
    """What all of them have."""

    name: str = Field("", pattern=r"^[\w-]{0,40}$")
    timeout_s: float = Field(5.0, ge=0.1, le=300.0)
    fails: Literal["open", "closed"] = "open"


class ClassifierEntry(_Entry):
    kind: Literal["classifier"]
    model: str = Field(min_length=1)
    labels: dict[str, _Category] = Field(min_length=1)
    thresholds: dict[_Category, _Score] = {}
    threads: int = Field(1, ge=1, le=64)

    @property
    def looks_at(self) -> tuple[Where, ...]:
        return ("picture",)


class TextGuardEntry(_Entry):
    kind: Literal["text_guard"]
    base_url: _Address
    model: str = Field(min_length=1)
    looks_at: tuple[_Text, ...] = Field(("question", "answer"), min_length=1)
    answers: Literal["qwen3guard", "yes_no"] = "qwen3guard"
    question: str = _UNSAFE_QUESTION
    labels: dict[str, _Category] = {}
    controversial: Literal["pass", "review", "block"] = "review"


class ModerationEntry(_Entry):
    kind: Literal["moderation"]
    base_url: _Address
    model: str = ""
    looks_at: tuple[Where, ...] = Field(("question", "picture", "answer"), min_length=1)
    labels: dict[str, _Category] = {}
    thresholds: dict[_Category, _Score] = {}


class SelfEntry(_Entry):
    kind: Literal["self"]
    timeout_s: float = Field(20.0, ge=0.1, le=300.0)
    looks_at: tuple[Where, ...] = Field(min_length=1)
    question: str = Field(_UNSAFE_QUESTION, min_length=1, max_length=2000)
    category: _Category = "unsafe"


class PluginEntry(_Entry):
    kind: Literal["plugin"]
    detector: str = Field(min_length=1)
    looks_at: tuple[Where, ...] = Field(min_length=1)
    thresholds: dict[_Category, _Score] = {}
    options: dict[str, Any] = {}  # Any: the plugin's own


Entry = Annotated[
    ClassifierEntry | TextGuardEntry | ModerationEntry | SelfEntry | PluginEntry,
    Field(discriminator="kind"),
]


class GuardsSection(BaseModel, extra="forbid", frozen=True):
    models: tuple[Entry, ...] = ()
    read_pictures: bool = False
    read_timeout_s: float = Field(30.0, ge=1.0, le=600.0)
    read_fails: Literal["open", "closed"] = "open"
    text_guard_key: SecretStr = SecretStr("")
    moderation_key: SecretStr = SecretStr("")

    @field_validator("models")
    @classmethod
    def _have_names_of_their_own(cls, models: tuple[Entry, ...]) -> tuple[Entry, ...]:
        names = [one.name or one.kind for one in models] + [_READER]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"names {name!r} twice; give each a name of its own")
        return models

    @field_validator("text_guard_key", "moderation_key")
    @classmethod
    def _fits_into_a_header(cls, key: SecretStr) -> SecretStr:
        if not all("!" <= character <= "~" for character in key.get_secret_value()):
            raise ValueError("must be printable ASCII without spaces")
        return key


def make_guards(
    section: GuardsSection,
    *,
    ask: Ask,
    reader: TextReader | None,
    check: Check,
    action_of: ActionOf,
    looked: Looked | None = None,
) -> Guards:
    """`ask`: Engine.stream. `check`: the lists and patterns. `action_of`: by category, as [safety]
    has it at the moment. Raises ModelUnusable when a reader is needed and there is none."""
    guards = [
        Guard(_rule(entry, action_of), _adapter(entry, section, ask), looked)
        for entry in section.models
    ]
    if section.read_pictures:
        if reader is None:
            raise ModelUnusable(
                "[guards] read_pictures is true, but text in pictures cannot be read: [ocr] is"
                ' off, or its extra is missing; run: pip install -e ".[ocr]"'
            )
        pictures = frozenset[Where]({"picture"})
        rule = Rule(_READER, pictures, section.read_timeout_s, section.read_fails, action_of)
        guards.append(Guard(rule, Written(reader.read, check), looked))
    return Guards(tuple(guards))


def _rule(entry: Entry, action_of: ActionOf) -> Rule:
    thresholds = {}
    if isinstance(entry, ClassifierEntry | ModerationEntry | PluginEntry):
        thresholds = dict(entry.thresholds)
    return Rule(
        entry.name or entry.kind,
        frozenset[Where](entry.looks_at),
        entry.timeout_s,
        entry.fails,
        action_of,
        thresholds,
        keeps=not isinstance(entry, PluginEntry),
    )


def _adapter(entry: Entry, section: GuardsSection, ask: Ask) -> Adapter:
    match entry:
        case ClassifierEntry():
            settings = ClassifierSettings(entry.model, entry.labels, entry.threads)
            return Classifier(settings, timeout_s=entry.timeout_s)
        case TextGuardEntry():
            key = section.text_guard_key.get_secret_value()
            asked = JudgeSettings(
                entry.model, entry.answers, entry.question, entry.labels, entry.controversial
            )
            return Judge(Server(entry.base_url, key), asked)
        case ModerationEntry():
            key = section.moderation_key.get_secret_value()
            counting = frozenset(entry.thresholds)
            service = ModerationSettings(entry.model, entry.labels, counting)
            return Moderation(Server(entry.base_url, key), service)
        case SelfEntry():
            return Itself(ask, question=entry.question, category=entry.category)
        case PluginEntry():
            return Plugin(entry.detector, entry.options)
