"""Files of phrases: categories between brackets, one phrase a line.

# what people see as a comment
[weapons]                          the category; what becomes of it says the configuration
[weapons = block]                  here the list itself says it
[injection in questions]           only in questions (or in answers)
how to make a bomb
!bath bomb                         harmless: a phrase inside it does not count
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from inference.errors import BadLists
from inference.safety.verdict import Action
from inference.safety.wordlists.patterns import Side

_OURS = Path(__file__).parent / "lists"
_HEADING = re.compile(r"\[([\w-]{1,60})(?: *= *(\w+))?(?: +in +(\w+))?\]")
_MOST_BYTES = 16 << 20  # of one file
_MOST_PHRASES = 200_000
_LONGEST = 100
_ACTIONS: dict[str, Action] = {action: action for action in get_args(Action)}
_SIDES: dict[str, Side] = {side: side for side in get_args(Side)}


@dataclass(frozen=True, slots=True)
class Phrase:
    text: str
    category: str
    action: Action | None  # None: as the configuration says
    sides: tuple[Side, ...]
    harmless: bool
    place: str  # "file, line", for messages


@dataclass(frozen=True, slots=True)
class Lists:
    phrases: tuple[Phrase, ...] = ()
    digest: str = ""


# Names, times and sizes of all files; another value: one of them may have changed.
State = tuple[tuple[str, int, int], ...]


def files(folder: Path, *, ours: bool) -> list[Path]:
    """`ours`: also those that come with the program. Raises BadLists."""
    try:
        own = sorted(one for one in folder.iterdir() if one.suffix == ".txt")
    except FileNotFoundError:
        own = []
    except OSError as error:
        raise BadLists(
            f"the folder {folder} cannot be read ({error.strerror}); check its rights"
        ) from error
    return [*(sorted(_OURS.glob("*.txt")) if ours else ()), *own]


def state_of(paths: Sequence[Path]) -> State:
    """A file that goes meanwhile counts as gone."""
    return tuple(_state(paths))


def read_lists(paths: Sequence[Path]) -> Lists:
    """Raises BadLists."""
    phrases: list[Phrase] = []
    digest = hashlib.sha256()
    for path in paths:
        content = _content(path)
        digest.update(content)
        phrases += _parse(path.name, _text(path, content))
        if len(phrases) > _MOST_PHRASES:
            raise BadLists(
                f"{path}: with it the lists have more than {_MOST_PHRASES} phrases; shorten them"
            )
    return Lists(tuple(phrases), digest.hexdigest()[:12])


def _state(paths: Sequence[Path]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            continue
        yield str(path), found.st_mtime_ns, found.st_size


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadLists(f"{path} has more than {_MOST_BYTES >> 20} MB; split or shorten it")
        return path.read_bytes()
    except OSError as error:
        raise BadLists(
            f"{path} cannot be read ({error.strerror}); check the file and its rights"
        ) from error


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadLists(f"{path}, line {line}, is not UTF-8; save the file as UTF-8") from error


def _parse(name: str, text: str) -> Iterator[Phrase]:
    category = ""
    action: Action | None = None
    sides: tuple[Side, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        place, line = f"{name}, line {number}", line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            category, action, sides = _heading(line, place)
        elif not category:
            raise BadLists(f"{place}: {line[:40]!r} has no category; put one above it, [weapons]")
        else:
            yield _phrase(line, category, action, sides, place)


def _heading(line: str, place: str) -> tuple[str, Action | None, tuple[Side, ...]]:
    found = _HEADING.fullmatch(line)
    if found is None:
        raise BadLists(
            f"{place}: {line[:40]!r} is no category; write [name], [name = block] or"
            " [name in questions]"
        )
    category, action, side = found.groups()
    if action is not None and action not in _ACTIONS:
        raise BadLists(f"{place}: {action!r} is no action; take {', '.join(_ACTIONS)}")
    if side is not None and side not in _SIDES:
        raise BadLists(f"{place}: {side!r} must be questions or answers")
    sides = tuple(_SIDES.values()) if side is None else (_SIDES[side],)
    return category, None if action is None else _ACTIONS[action], sides


def _phrase(
    line: str, category: str, action: Action | None, sides: tuple[Side, ...], place: str
) -> Phrase:
    text = line.removeprefix("!").strip()
    if len(text) > _LONGEST:
        raise BadLists(f"{place} has {len(text)} characters; a phrase takes {_LONGEST} at most")
    return Phrase(text, category, action, sides, line.startswith("!"), place)
