"""Conversations around pictures: single questions, follow-ups, small talk, two pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random
from string import ascii_lowercase

from inference.demo import answers as say
from inference.demo import wordings as words
from inference.demo.naming import END, Hint, Name, name_text, pick
from inference.demo.questions import Question, ask, choose_task, fill
from inference.demo.scenes import Scene
from inference.demo.smalltalk import BEYOND, CHAT, REFUSAL, SEND_FIRST, TOPICS
from inference.demo.wordings import Language

_COMMON_CHARACTERS = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于"
    "着下自之年过发后作里"
)


@dataclass(frozen=True, slots=True)
class Turn:
    text: str
    answer: str
    task: str
    name_end: int = 0  # behind the name of the thing asked about; 0: there is none
    hint: Hint | None = None


def turn_of(marked: str, answer: str, task: str, hint: Hint | None = None) -> Turn:
    """`marked` may hold END, as questions do."""
    at = marked.find(END)
    return Turn(marked.replace(END, ""), answer, task, max(0, at), hint if at > 0 else None)


def choose_language(r: Random) -> Language:
    return "zh" if r.random() < 0.5 else "en"


def system_line(r: Random) -> str | None:
    pick_ = r.random()
    if pick_ < 0.35:
        return None
    return pick(r, words.SYSTEM_LINES if pick_ < 0.85 else words.OTHER_SYSTEM_LINES)


def about_picture(r: Random, scene: Scene) -> list[Turn]:
    """One to three turns; the first belongs to the message with the picture."""
    language = choose_language(r)
    pick_ = r.random()
    if pick_ < 0.07:
        return [beyond(r, language), *_maybe(r, 0.3, question(r, scene, language)[0])]
    if pick_ < 0.1:
        return [chat(r, language), *_maybe(r, 0.3, question(r, scene, language)[0])]
    turn, made = question(r, scene, language)
    turns = [turn]
    while len(turns) < 3 and r.random() < (0.2 if len(turns) == 1 else 0.35):
        follow = _follow_up(r, scene, made, language) if r.random() < 0.6 else None
        if follow is None and r.random() < 0.15:
            turns.append(beyond(r, language) if r.random() < 0.5 else chat(r, language))
            continue
        turn, made = follow or question(r, scene, language)
        turns.append(turn)
    return turns


def without_picture(r: Random, scene: Scene) -> list[Turn]:
    """`scene` only lends a question that cannot be answered without it."""
    language = choose_language(r)
    turns: list[Turn] = []
    while not turns or (len(turns) < 3 and r.random() < 0.3):
        pick_ = r.random()
        if pick_ < 0.42:
            turns.append(chat(r, language))
        elif pick_ < 0.72:
            turns.append(beyond(r, language))
        else:
            text = question(r, scene, language)[0].text
            turns.append(Turn(text, SEND_FIRST[language], "no picture"))
    return turns


def about_two(r: Random, scenes: tuple[Scene, Scene], *, together: bool) -> list[Turn]:
    """Together in one message, or the second in a later one; then it is the one meant."""
    language = choose_language(r)
    if together and r.random() < 0.35:
        told = say.describe_two(*scenes, language)
        if told is not None:
            text = dressed(r, pick(r, words.BOTH[language]), language)
            return [Turn(text, told, "two pictures")]
    if not together and r.random() < 0.6:
        turn, _ = question(r, scenes[1], language)
        return [replace(turn, task="after a second picture")]
    which = int(r.random() * 2)
    made = _plain_question(r, scenes[which], language)
    name = pick(r, words.FIRST[language][which])
    if language == "zh":
        text = name + pick(r, ("，", "里", "里，", "图片里", "：", "中")) + made.text
    elif made.text.startswith(("describe", "list", "name")) or r.random() < 0.6:
        text = pick(r, (f"in {name}, ", f"in {name} ", f"{name}: ", f"for {name}, ")) + made.text
    else:
        text = f"{made.text} in {name}"
    task = "two pictures" if together else "after a second picture"
    return [turn_of(dressed(r, text, language), made.answer, task)]


def question(r: Random, scene: Scene, language: Language) -> tuple[Turn, Question]:
    while True:
        made = ask(r, scene, choose_task(r, scene), language)
        if made:
            marked = dressed(r, made.text, language)
            return turn_of(marked, made.answer, made.task, made.hint), made


def chat(r: Random, language: Language) -> Turn:
    kind = pick(r, list(CHAT))
    said, answer = CHAT[kind]
    return Turn(dressed(r, pick(r, said[language]), language, 0.1), answer[language], "small talk")


def beyond(r: Random, language: Language) -> Turn:
    topics = TOPICS[language]
    text = pick(r, BEYOND[language]).format(
        t=pick(r, topics), n=int(r.random() * 100), m=int(r.random() * 100)
    )
    if r.random() < 0.06:
        letters = ascii_lowercase if language == "en" else _COMMON_CHARACTERS
        text = "".join(pick(r, letters) for _ in range(3 + int(r.random() * 9)))
    return Turn(dressed(r, text, language), REFUSAL[language], "beyond its skill")


def dressed(r: Random, text: str, language: Language, openers: float = 0.2) -> str:
    """Politeness, punctuation, capitals, slips of the finger."""
    if text in words.SILENT[language]:
        return text
    if r.random() < 0.15:
        text = _loose(r, text, language)
    if r.random() < openers:
        text = pick(r, words.OPENERS[language]) + text
    elif r.random() < 0.08:
        text += pick(r, words.CLOSERS[language])
    if r.random() < 0.03 and len(text) > 5:
        at = int(r.random() * len(text))
        text = text[:at] + text[at + 1 :]
    if language == "en":
        capital = r.random()
        text = (
            text[0].upper() + text[1:]
            if capital < 0.6
            else text.upper()
            if capital < 0.63
            else text
        )
    ends = (
        ("？", "？", "?", "", "", "。", "？？", "！")
        if language == "zh"
        else ("?", "?", "?", "", "", ".", " ?", "!")
    )
    return text if text.endswith(("?", "？", ".")) else text + pick(r, ends)


def _loose(r: Random, text: str, language: Language) -> str:
    """Small words dropped and others put in: what counts are the words that carry the meaning."""
    small, fillers = words.SMALL[language], words.FILLERS[language]
    parts = re.findall(r" ?[^ ]+", text) if language == "en" else list(text)
    loose = []
    for part in parts:
        if part.strip() not in small or r.random() > 0.25:
            loose.append(part)
        if r.random() < 0.8 / len(parts):
            loose.append(pick(r, fillers))
    return "".join(loose).strip() or text


def _maybe(r: Random, chance: float, turn: Turn) -> list[Turn]:
    return [turn] if r.random() < chance else []


def _plain_question(r: Random, scene: Scene, language: Language) -> Question:
    """One that does not itself name the picture."""
    for _ in range(50):
        made = ask(r, scene, choose_task(r, scene), language)
        named = (
            ("图", "照片", "画")
            if language == "zh"
            else ("picture", "image", "photo", " here", " it")
        )
        if made and not any(part in made.text for part in named):
            return made
    return question(r, scene, language)[1]


def _follow_up(
    r: Random, scene: Scene, last: Question, language: Language
) -> tuple[Turn, Question] | None:
    """About the thing just spoken of, or the same question about another one."""
    made = _pronoun(r, last, language) if r.random() < 0.6 else _ellipsis(r, scene, last, language)
    if made is None:
        return None
    marked = dressed(r, made.text, language)
    return turn_of(marked, made.answer, "follow-up", made.hint), made


def _pronoun(r: Random, last: Question, language: Language) -> Question | None:
    thing = last.about
    if thing is None:
        return None
    kind = pick(r, [kind for kind in ("colour", "shape", "where") if kind != last.task])
    if kind == "where" and thing.zone is None:
        kind = "colour"
    tables = {
        "colour": (words.COLOUR, words.BARE_COLOUR),
        "shape": (words.SHAPE, words.BARE_SHAPE),
        "where": (words.WHERE, words.BARE_WHERE),
    }
    full, bare = tables[kind]
    it = pick(
        r, ("它", "它", "那它", "这个") if language == "zh" else ("it", "it", "that", "this one")
    )
    template = pick(r, (full if r.random() < 0.5 else bare)[language])
    text = fill(r, template, language, x=it)
    if kind == "colour":
        answer = say.say_colours([thing.colour], language)
    elif kind == "shape":
        answer = say.say_shape(thing.shape, language)
    else:
        assert thing.zone
        answer = say.say_place(thing.zone, language)
    return Question(text, answer, kind, thing)


def _ellipsis(r: Random, scene: Scene, last: Question, language: Language) -> Question | None:
    if last.task not in ("colour", "where") or last.about is None:
        return None
    others = [thing for thing in scene.things if thing.shape != last.about.shape]
    if not others:
        return None
    thing = pick(r, others)
    name = Name(thing.shape, None)
    if sum(map(name.fits, scene.things)) > 1 or (last.task == "where" and thing.zone is None):
        return None
    text = fill(r, pick(r, words.ELLIPSIS[language]), language, x=name_text(r, name, language))
    hint = name.hint(scene)
    if last.task == "colour":
        answer = say.say_colours([thing.colour], language)
        return Question(text, answer, "colour", thing, hint)
    assert thing.zone
    return Question(text, say.say_place(thing.zone, language), "where", thing, hint)
