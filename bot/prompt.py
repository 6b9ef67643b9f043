"""What the model is asked: the system's words, the window of the conversation, the question.

The engine keeps what it computed for a beginning that stays the same. So nothing up there depends
on the question: the language is that in which the window begins, the window has the same room
whatever the knowledge base found, and passages stand before their question only while that is
answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot import texts
from bot.answering import quote
from bot.answering.finding import SHARE, Found, find
from bot.context import WindowSection, window
from bot.draft import Draft
from bot.intake import Intake, Ready
from bot.rules import Rules
from bot.storage.history import History, Past, Said
from bot.storage.inbox import Entry
from bot.storage.knowledge import Knowledge, Passage
from bot.storage.words import is_small_talk
from bot.texts import Key, Language
from inference.errors import InferenceError
from inference.request import Picture, PictureNote, Turn
from inference.service import Service

_LONGEST_QUOTE = 1000  # characters, of which no more than half is shown
_TEMPLATE_TOKENS = 32  # what the checkpoint's template puts around the turns
_SHARE = 4  # the answer gets a quarter of a small context at least
_MANY = 99_999  # messages or photos: no note takes more tokens than one with these numbers
_LANGUAGES: tuple[Language, ...] = ("zh", "en")
_PATIENCE_S = 1.0  # with an engine that shall measure what has been written already


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with all that it brings along."""

    entry: Entry
    text: str
    language: Language
    photos: tuple[Ready, ...] = ()
    used: tuple[int, ...] = ()  # the kept photos among them
    own: tuple[str, ...] = ()  # digests of those it was sent with
    quoted: str = ""  # the words of the message that it answers
    replaces: int | None = None  # the entry whose question this is once more


@dataclass(frozen=True, slots=True)
class Prompt:
    turns: tuple[Turn, ...]
    tokens: int  # that all of it takes, about
    question: Said  # as it is kept once it is answered
    used: tuple[int, ...]  # as in Asked
    own: tuple[str, ...]
    replaces: int | None
    tells_long: bool  # turns have left the window, and nobody has told so yet
    passages: tuple[Passage, ...] | None  # None: nobody expects any
    notes: tuple[PictureNote, ...] = ()  # on the photos of the question


@dataclass(frozen=True, slots=True)
class _Fitted:
    """The question, and the turns that go with it."""

    question: Said
    pictures: tuple[Picture, ...]
    kept: list[Said]


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Tokens of what is always said alike, in the language in which it takes more."""

    system: int
    note: int


class Prompter:
    def __init__(
        self,
        history: History,
        intake: Intake,
        service: Service,
        knowledge: Knowledge,
        rules: Rules,
        section: WindowSection,
        *,
        answer_tokens: int,
    ) -> None:
        """`answer_tokens`: the longest answer, for which the window leaves room."""
        self._history = history
        self._intake = intake
        self._service = service
        self._knowledge = knowledge
        self._rules = rules
        self._section = section
        self._answer_tokens = answer_tokens
        self._fixed: _Fixed | None = None

    async def build(self, asked: Asked) -> Prompt:
        """Raises Unusable, EngineDown."""
        conversation = asked.entry.event.conversation
        past = await self._history.past(conversation, without=asked.replaces)
        fixed = await self._measure_fixed()
        found = await self._find(asked)
        room = self._room(fixed, beside_passages=found is not None)
        fitted = await self._fit(asked, past, room, fixed.note)
        left = past.messages + len(past.turns) - len(fitted.kept)
        # a question that fills everything goes alone, without a word about the past
        noted = left and (fitted.kept or fitted.question.tokens + fixed.note <= room)
        system = _system(asked.language, past, fitted.kept, noted=bool(noted))
        shown = [await self._turn(said) for said in fitted.kept]
        said = sum(one.tokens for one in (*fitted.kept, fitted.question))
        turns = (system, *shown, _last(fitted, found))
        return Prompt(
            turns=turns,
            tokens=fixed.system + fixed.note + said + (found.tokens if found else 0),
            question=fitted.question,
            used=asked.used,
            own=asked.own,
            replaces=asked.replaces,
            tells_long=bool(left) and not past.told_long,
            passages=_told_of(found, turns, asked.text),
            notes=tuple(note for picture in turns[-1].pictures for note in picture.notes),
        )

    async def answer(self, text: str) -> Said:
        """An answer as it is kept; an engine that went down or hangs meanwhile does not lose it,
        nor keep who has stopped it waiting."""
        return Said("assistant", text, (), await self._tokens_of(text))

    async def cost(self, prompt: Prompt, draft: Draft) -> int:
        """The tokens that were read and written so far."""
        if draft.usage is not None:
            return draft.usage.prompt_tokens + draft.usage.completion_tokens
        return prompt.tokens + await self._tokens_of(draft.written())

    async def _measure_fixed(self) -> _Fixed:
        fixed = self._fixed
        if fixed is None:
            exact = self._service.stats().up  # else it is an estimate, which shall not stay
            system, note = 0, 0
            for language in _LANGUAGES:
                words = texts.say("system", language) + self._service.safety.mark
                system = max(system, await self._service.measure(Turn("system", words)))
                many = _told("earlier", language, messages=_MANY, photos=_MANY)
                note = max(note, await self._service.measure(many))
            fixed = _Fixed(system, note)
            self._fixed = fixed if exact else None
        return fixed

    async def _find(self, asked: Asked) -> Found | None:
        """As many of the passages as may stand before the question; None: none were looked for."""
        limit = self._rules.now.knowledge.passages
        if not limit or await self._knowledge.is_empty():
            return None
        return await find(self._knowledge, self._service, asked.text, asked.language, limit=limit)

    def _room(self, fixed: _Fixed, *, beside_passages: bool) -> int:
        """Tokens for the past and the question."""
        context = self._service.stats().context_tokens
        answer = min(self._answer_tokens, context // _SHARE)
        passages = context // SHARE if beside_passages else 0
        room = context - answer - passages - fixed.system - _TEMPLATE_TOKENS
        return min(self._section.max_tokens, room)

    async def _fit(self, asked: Asked, past: Past, room: int, note: int) -> _Fitted:
        """The question brings along what it needs and the window does not hold: the words it
        quotes, the newest photo. That may push more out of the window, so look again."""
        quoted, newest = "", tuple[Ready, ...]()
        while True:
            question, pictures = await self._measured(asked, quoted, newest)
            kept = window(
                past.turns,
                question.tokens,
                max_tokens=room,
                drop_to=self._section.drop_to,
                note_tokens=note,
            )
            before = quoted, newest
            if not quote.is_held(asked.quoted, (said.text for said in kept)):
                quoted = self._service.safety.quotable(asked.quoted[:_LONGEST_QUOTE])
            if not (newest or asked.photos or any(said.photos for said in kept)):
                newest = await self._reopen(past.newest_photos, room - question.tokens)
            if before == (quoted, newest):
                return _Fitted(question, pictures, kept)

    async def _measured(
        self, asked: Asked, quoted: str, newest: tuple[Ready, ...]
    ) -> tuple[Said, tuple[Picture, ...]]:
        photos = (*newest, *asked.photos)
        turn = Turn(
            "user",
            quote.before(quoted, asked.text, asked.language),
            tuple(photo.picture for photo in photos),
        )
        tokens = await self._service.measure(turn)
        digests = tuple(photo.digest for photo in photos)
        return Said("user", turn.text, digests, tokens), turn.pictures

    async def _reopen(self, digests: Sequence[str], room: int) -> tuple[Ready, ...]:
        """Those that are still there, as many of the newest as there is room for."""
        opened: list[Ready] = []
        for digest in reversed(digests):
            photo = await self._intake.reopen_if_kept(digest)
            if photo is None:
                continue
            room -= await self._service.measure(Turn("user", "", (photo.picture,)))
            if room < 0:
                break
            opened.insert(0, photo)
        return tuple(opened)

    async def _turn(self, said: Said) -> Turn:
        opened = [await self._intake.reopen_if_kept(digest) for digest in said.photos]
        return Turn(said.role, said.text, tuple(ready.picture for ready in opened if ready))

    async def _tokens_of(self, text: str) -> int:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._service.measure(Turn("assistant", text))
        except (InferenceError, TimeoutError):
            return len(text)  # no token is shorter than a character, but for rare ones


def _told(key: Key, language: Language, **values: object) -> Turn:
    return Turn("system", texts.say(key, language, **values))


def _system(language: Language, past: Past, kept: Sequence[Said], *, noted: bool) -> Turn:
    """`noted`: with a line about what has left the window."""
    language = _language_of(kept) or language
    words = texts.say("system", language)
    if noted:
        left = past.turns[: len(past.turns) - len(kept)]
        messages = past.messages + len(left)
        photos = past.photos + sum(len(said.photos) for said in left)
        words += "\n" + texts.say("earlier", language, messages=messages, photos=photos)
    return Turn("system", words)


def _language_of(kept: Sequence[Said]) -> Language | None:
    """The language in which the window begins; None: nothing there shows one."""
    for said in kept:
        spoken = {texts.language_of(said.text, "", default) for default in _LANGUAGES}
        if len(spoken) == 1:
            return spoken.pop()
    return None


def _told_of(
    found: Found | None, turns: Sequence[Turn], question: str
) -> tuple[Passage, ...] | None:
    """That nothing was found is no news where there is no knowledge base, where nothing was asked,
    or where a picture is in sight, of which no document knows."""
    if found is None:
        return None
    no_news = is_small_talk(question) or any(turn.pictures for turn in turns)
    return None if no_news and not found.passages else found.passages


def _last(fitted: _Fitted, found: Found | None) -> Turn:
    text = fitted.question.text
    return Turn("user", found.before(text) if found else text, fitted.pictures)
