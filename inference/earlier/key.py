"""What names an answer among those that are kept: everything that decides it. Pure.

Two requests have the same name only if the model would be given the same: all turns, every pixel,
how the answer is drawn, what it may call, and which model it is. Of the last question's words alone
it does not matter how many spaces stand between them, how wide their letters are, and whether they
end with a question mark or a full stop. Capitals do matter: 5 MW are not 5 mW.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, replace

from inference.request import ChatRequest, Picture, Turn

_VERSION = "v1"
_ENDS = "?.。 "  # not "!": 5! is another number than 5
_BEFORE_PASSAGES_END = "\n\n"  # between passages of the knowledge base and the person's words


def key_of(request: ChatRequest, model: str, *, shared: bool) -> str:
    """Takes some milliseconds for each picture. `model`: with its revision. `shared`: all of a
    tenant find each other's answers, else each owner the own ones alone."""
    turns = first_asked(request)
    content = [
        _VERSION,
        model,
        request.tenant,
        "" if shared else request.owner,
        [_turn(turn, is_question=turn is turns[-1]) for turn in turns],
        asdict(request.usual or request.sampling),
        request.thinking,
        None if request.format is None else [type(request.format).__name__, asdict(request.format)],
        asdict(request.tools),
    ]
    return _hash(content)


def question_key(request: ChatRequest) -> str:
    """Of the same person's same words, whatever they are about."""
    return _hash([_VERSION, request.owner, fold(_own_words(request))])


def first_asked(request: ChatRequest) -> tuple[Turn, ...]:
    """The turns as they were when this question was asked first: who asks the same about the same
    photos again, and nothing in between, asks what was asked then. Only where the question came
    with its photos: "go on" said twice is not one question."""
    turns, own = request.turns, _own_words(request)
    if not _is_plain(request):
        return turns
    asked: tuple[Picture, ...] = turns[-1].pictures
    first = len(turns) - 1
    for at in range(len(turns) - 3, -1, -2):
        question, answer = turns[at], turns[at + 1]
        if question.role != "user" or answer.role != "assistant" or answer.calls:
            break
        if fold(question.text) != fold(own):
            break
        if asked and question.pictures and question.pictures != asked:
            break
        asked = asked or question.pictures
        if question.pictures:
            first = at
    return (*turns[:first], replace(turns[-1], pictures=turns[first].pictures))


def fold(text: str) -> str:
    """Without what makes no difference in a question. What a line begins with does: it may be one
    of a program, or of a table."""
    lines = "".join(map(_narrow, text)).strip().splitlines()
    folded = "\n".join(_indent(line) + " ".join(line.split()) for line in lines if line.strip())
    return folded.rstrip(_ENDS) or folded


def _own_words(request: ChatRequest) -> str:
    return request.turns[-1].text if request.asked is None else request.asked


def _is_plain(request: ChatRequest) -> bool:
    """Nothing stands before the person's own words but passages of the knowledge base: what quotes
    a message is about that message."""
    last = request.turns[-1]
    if last.role != "user":
        return False
    own = _own_words(request)
    return last.text == own or last.text.endswith(_BEFORE_PASSAGES_END + own)


def _turn(turn: Turn, *, is_question: bool) -> list[object]:
    folded = is_question and turn.role == "user"
    return [
        turn.role,
        fold(turn.text) if folded else turn.text,
        [picture.digest for picture in turn.pictures],
        [asdict(call) for call in turn.calls],
    ]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _narrow(letter: str) -> str:
    """Forms of another width alone: others, such as ², say something else than what they fold to
    in NFKC."""
    kind, _, _ = unicodedata.decomposition(letter).partition(" ")
    return unicodedata.normalize("NFKC", letter) if kind in ("<wide>", "<narrow>") else letter


def _hash(content: Sequence[object]) -> str:
    # as JSON, in which no text can pose as two
    return hashlib.sha256(json.dumps(content).encode("ascii")).hexdigest()
