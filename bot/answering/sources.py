"""Passages of the knowledge base around an answer: before the question for the model, and below
the answer for people, under the same numbers."""

from __future__ import annotations

from collections.abc import Sequence

from bot import texts
from bot.storage.knowledge import Passage
from bot.texts import Language
from inference.fallback import Excerpt


def block(passages: Sequence[Passage], language: Language) -> str:
    """For the model. Every line of a passage is marked, so that none of them can pose as a word of
    ours or of the person."""
    lines = [texts.say("passages_for_model", language)]
    for number, passage in enumerate(passages, 1):
        lines += ["", _title(number, passage, language)]
        lines += [f"> {line}" for line in passage.text.splitlines()]
    return "\n".join(lines)


def quoted(excerpts: Sequence[Excerpt], language: Language) -> str:
    """For people, where there is no answer."""
    lines = [texts.say("knowledge_instead", language)]
    for number, excerpt in enumerate(excerpts, 1):
        lines += ["", _title(number, excerpt, language), excerpt.text]
    return "\n".join(lines)


def listed(passages: Sequence[Passage], language: Language) -> str:
    """For people; where nothing fitted the question, that is said."""
    if not passages:
        return texts.say("nothing_found", language)
    lines = [_title(number, passage, language) for number, passage in enumerate(passages, 1)]
    return "\n".join([texts.say("sources", language), *lines])


def _title(number: int, passage: Passage | Excerpt, language: Language) -> str:
    title = " ".join(passage.title.split())
    if not passage.place:
        return texts.say("source", language, number=number, title=title)
    place = texts.place(passage.place, language)
    return texts.say("source_place", language, number=number, title=title, place=place)
