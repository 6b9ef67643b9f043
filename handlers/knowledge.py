"""What the bot knows besides pictures: /learn teaches it a document, /kb lists, shows and forgets.

A document comes as a file, as a quoted message, or as the words after the command.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from bot import texts
from bot.access.periods import Periods
from bot.action import Action, Say
from bot.documents.block import BadDocument, DocumentFault, tidy
from bot.event import Attachment, Event
from bot.storage.audit import act_of
from bot.storage.knowledge import Document, NewDocument, Novelty, Passage, Piece
from bot.texts import Key
from handlers.commands import argument_of
from handlers.desk import Desk

_LONGEST_TITLE = 60
_LONGEST_PROOF = 120  # characters of the first passage
_LISTED = 20  # documents on a page
_SHOWN = 5  # passages on a page
_FOUND = 5
_LARGEST_NUMBER = 10**9  # a document or page with a larger one is none

_FAULTS: dict[DocumentFault, tuple[Key, float]] = {  # its text, its unit
    "kind": ("document_kind", 1),
    "empty": ("document_empty", 1),
    "no_text": ("document_no_text", 1),
    "locked": ("document_locked", 1),
    "broken": ("document_broken", 1),
    "too_large": ("document_too_large", 1 << 20),
    "too_long": ("document_too_long", 1),
    "too_many_pages": ("document_too_many_pages", 1),
    "too_many_rows": ("document_too_many_rows", 1),
    "timeout": ("document_timeout", 1),
    "unreachable": ("document_unreachable", 1 << 20),
}


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What shall be learned: a file, or words."""

    title: str  # empty: it has none of its own
    text: str = ""
    file: Attachment | None = None


async def learn(event: Event, desk: Desk) -> Action:
    files = event.files or (event.quoted.files if event.quoted else ())
    if len(files) > 1:
        return _say(event, desk, "document_one", count=len(files))
    lesson = _lesson(event, files)
    if lesson is None:
        return _say(event, desk, "learn_usage")
    act = act_of(event, f"/learn {lesson.title}")
    if (said := await desk.knowledge.told(act)) is not None:
        return Say(said)
    try:
        new = await _read(event, desk, lesson)
    except BadDocument as fault:
        key, unit = _FAULTS[fault.reason]
        value, limit = _number(fault.value / unit), _number(fault.limit / unit)
        return _say(event, desk, key, value=value, limit=limit)

    def tell(document: Document, novelty: Novelty) -> str:
        key: Key = "learned" if novelty == "new" else "relearned"
        first = _shortened(new.pieces[0].text, _LONGEST_PROOF)
        return _words(event, desk, key, **_facts(document, desk), first=first)

    return Say(await desk.knowledge.add(act, new, tell))


async def kb(event: Event, desk: Desk) -> Action:
    order, *words = argument_of(event.text).split() or [""]
    match order.lower(), words:
        case "list", []:
            return await _list(event, desk, 1)
        case "list", [page] if page.isdecimal():
            return await _list(event, desk, _whole(page))
        case "show", [number] if number.isdecimal():
            return await _show(event, desk, _whole(number), 1)
        case "show", [number, page] if number.isdecimal() and page.isdecimal():
            return await _show(event, desk, _whole(number), _whole(page))
        case "forget", [number] if number.isdecimal():
            return await _forget(event, desk, _whole(number))
        case "find", [_, *_]:
            return await _find(event, desk, " ".join(words))
    return _say(event, desk, "kb_usage")


def _lesson(event: Event, files: Sequence[Attachment]) -> _Lesson | None:
    """None: there is nothing to learn."""
    words = argument_of(event.text)
    quoted = event.quoted.text if event.quoted else ""
    if files:
        return _Lesson(_title(words) or _title(PurePosixPath(files[0].name).stem), file=files[0])
    if quoted.strip():
        return _Lesson(_title(words) or _title(quoted), quoted)
    title, _, text = words.partition("\n")
    if not words:
        return None
    return _Lesson(_title(title), text if text.strip() else words)


async def _read(event: Event, desk: Desk, lesson: _Lesson) -> NewDocument:
    """Raises BadDocument."""
    if lesson.file is None:
        data = lesson.text.encode("utf-8", "replace")
        reading = desk.reader.read_message(lesson.text)
    else:
        max_bytes = desk.rules.now.knowledge.max_file_mb << 20
        data = await desk.fetch_file(event, lesson.file, max_bytes)
        reading = await desk.reader.read(lesson.file.name, lesson.file.media_type, data)
    pieces = [Piece(place, text) for place, text in reading.passages]
    title = lesson.title or _title(pieces[0].text)
    who = f"{event.conversation.platform}:{event.person.id}"
    return NewDocument(title, reading.kind, hashlib.sha256(data).hexdigest(), who, pieces)


async def _list(event: Event, desk: Desk, page: int) -> Action:
    documents = await desk.knowledge.documents()
    if not documents:
        return _say(event, desk, "kb_empty")
    pages = _pages(len(documents), _LISTED)
    if not 1 <= page <= pages:
        return _say(event, desk, "kb_no_page", page=page, pages=pages)
    shown = documents[(page - 1) * _LISTED : page * _LISTED]
    lines = [_words(event, desk, "kb_list", count=len(documents))]
    lines += [_words(event, desk, "kb_line", **_facts(document, desk)) for document in shown]
    if page < pages:
        left = len(documents) - page * _LISTED
        lines.append(_words(event, desk, "kb_more", count=left, page=page + 1))
    return Say("\n".join(lines))


async def _show(event: Event, desk: Desk, number: int, page: int) -> Action:
    document = await desk.knowledge.document(number)
    if document is None:
        return _say(event, desk, "kb_unknown", number=number)
    pages = _pages(document.passages, _SHOWN)
    if not 1 <= page <= pages:
        return _say(event, desk, "kb_no_page", page=page, pages=pages)
    first = (page - 1) * _SHOWN
    passages = await desk.knowledge.passages(number, skip=first, limit=_SHOWN)
    parts = [_words(event, desk, "kb_shown", title=document.title, page=page, pages=pages)]
    parts += [
        f"{at}. {_place(event, desk, passage)}\n{passage.text}"
        for at, passage in enumerate(passages, first + 1)
    ]
    if page < pages:
        parts.append(_words(event, desk, "kb_page", number=number, page=page + 1))
    return Say("\n\n".join(parts))


async def _forget(event: Event, desk: Desk, number: int) -> Action:
    def tell(document: Document | None) -> str:
        if document is None:
            return _words(event, desk, "kb_unknown", number=number)
        return _words(event, desk, "kb_forgotten", **_facts(document, desk))

    return Say(await desk.knowledge.forget(act_of(event), number, tell))


async def _find(event: Event, desk: Desk, words: str) -> Action:
    passages = await desk.knowledge.find(words, _FOUND)
    if not passages:
        return _say(event, desk, "kb_not_found", words=_shortened(words, _LONGEST_TITLE))
    parts = [_words(event, desk, "kb_found", count=len(passages))]
    parts += [
        f"{_source(event, desk, number, passage)}\n{passage.text}"
        for number, passage in enumerate(passages, 1)
    ]
    return Say("\n\n".join(parts))


def _source(event: Event, desk: Desk, number: int, passage: Passage) -> str:
    if not passage.place:
        return _words(event, desk, "source", number=number, title=passage.title)
    place = _place(event, desk, passage)
    return _words(event, desk, "source_place", number=number, title=passage.title, place=place)


def _place(event: Event, desk: Desk, passage: Passage) -> str:
    return texts.place(passage.place, desk.language(replace(event, text="")))


def _facts(document: Document, desk: Desk) -> dict[str, object]:
    periods = Periods(desk.rules.now.quota.timezone)
    return {
        "number": document.id,
        "title": document.title,
        "kind": document.kind,
        "passages": document.passages,
        "characters": document.characters,
        "day": periods.written(document.at)[:10],
    }


def _title(text: str) -> str:
    """The first line that says something."""
    return _shortened(tidy(text).strip().partition("\n")[0].strip(), _LONGEST_TITLE)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _whole(digits: str) -> int:
    """NOTE: isdecimal is true of other scripts' digits too, which int reads as well."""
    return min(int(digits[:12]), _LARGEST_NUMBER)


def _pages(count: int, each: int) -> int:
    return max(1, -(-count // each))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _say(event: Event, desk: Desk, key: Key, **values: object) -> Say:
    return Say(_words(event, desk, key, **values))


def _words(event: Event, desk: Desk, key: Key, **values: object) -> str:
    """A document's language, and a command's letters, say nothing about the person's."""
    return desk.say(replace(event, text=""), key, **values)
