"""One guard: a model or service that looks at words and pictures, with its limits and rules.

Whatever becomes of it, it has a verdict in time: what does not answer passes or blocks, as is set.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from inference.errors import ModelUnusable, Where
from inference.request import Picture
from inference.safety.verdict import UNCHECKED, Action, Context, Verdict

log = logging.getLogger(__name__)

_PIECE = 4000  # characters looked at in one go
_OVERLAP = 200  # of which the next piece repeats so many: what is cut there is seen whole once
_KEPT = 256  # pictures of which is known what was found in them
_MOST_PIECES = 16  # longer texts count as not checked
_BLANK = Picture(64, 64, b"\xff" * (3 * 64 * 64))
_WEIGHTS: tuple[Action, ...] = ("pass", "review", "mask", "block")

Failure = Literal[
    "timeout", "unreachable", "key", "refused", "answer", "broken", "busy", "too_long"
]
# Told of every look: the guard's name, how long it took, how it failed.
Looked = Callable[[str, float, Failure | None], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """`at_most`: no heavier action follows from it, whatever is set for the category. `action`:
    this one follows, for what was decided where it was found."""

    category: str
    score: float = 1.0
    at_most: Action = "block"
    action: Action | None = None
    # The words that were read in a picture, and where in them it stands.
    words: str = field(default="", repr=False)
    spans: tuple[tuple[int, int], ...] = ()


class GuardFailed(Exception):
    """key: it does not take ours. refused: it answered with another error. answer: with something
    that cannot be understood."""

    def __init__(self, how: Failure) -> None:
        super().__init__(how)
        self.how: Failure = how


class Adapter(Protocol):
    """Asks one kind of model or service. Those of others look just like it."""

    @property
    def version(self) -> str: ...

    async def start(self) -> None:
        """Before the first look. Raises ModelUnusable, for what only a person can mend."""

    async def look(self, what: str | Picture, context: Context) -> Iterable[Finding]:
        """All that it has a score for. Cancelled when it takes too long. Raises GuardFailed."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Rule:
    """What a guard is for, and what follows from what it finds."""

    name: str
    looks_at: frozenset[Where]
    timeout_s: float
    fails: Literal["open", "closed"]
    action_of: Callable[[str], Action]  # by category, at this moment
    thresholds: dict[str, float] = field(default_factory=dict)
    threshold: float = 0.5  # of a category without one of its own
    keeps: bool = False  # what is found in a picture holds whenever it is shown again

    def verdict(self, finding: Finding, version: str) -> Verdict | None:
        if finding.score < self.thresholds.get(finding.category, self.threshold):
            return None
        usual = min(self.action_of(finding.category), finding.at_most, key=_WEIGHTS.index)
        action: Action = finding.action or usual
        if action == "mask":  # it does not say where in the text
            action = "review"
        if action == "pass":
            return None
        verdict = Verdict(action, finding.category, finding.score, self.name, version)
        return replace(verdict, words=finding.words, spans=finding.spans)


class Guard:
    """Both a TextDetector and a PictureDetector; `close` ends what its adapter has open."""

    def __init__(self, rule: Rule, adapter: Adapter, looked: Looked | None = None) -> None:
        self.rule = rule
        self._adapter = adapter
        self._looked = looked or (lambda name, took_s, failure: None)
        self._failing = False
        self._kept: OrderedDict[str, list[Finding]] = OrderedDict()  # by Picture.digest

    @property
    def looks_at(self) -> frozenset[Where]:
        return self.rule.looks_at

    async def start(self) -> None:
        """Raises ModelUnusable."""
        await self._adapter.start()

    async def trial(self) -> None:
        """Starts it and has it look at nothing much. Raises ModelUnusable, GuardFailed."""
        await self.start()
        words = sorted(self.looks_at - {"picture"})
        if words:
            await self._look("Hello.", Context(words[0]))
        if "picture" in self.looks_at:
            await self._look(_BLANK, Context("picture"))

    async def check(self, what: str | Picture, context: Context) -> list[Verdict]:
        if context.where not in self.rule.looks_at:
            return []
        try:
            found = await self._look_all(what, context)
        except GuardFailed as error:
            self._note(error.how)
            closed = self.rule.fails == "closed"
            return [self._unchecked()] if closed else []
        self._note(None)
        return _heaviest(found)

    def forget(self) -> None:
        """What was found lately."""
        self._kept.clear()

    async def close(self) -> None:
        await self._adapter.close()

    async def _look_all(self, what: str | Picture, context: Context) -> list[Verdict]:
        if isinstance(what, str) and len(what) > _PIECE + (_MOST_PIECES - 1) * (_PIECE - _OVERLAP):
            self._looked(self.rule.name, 0.0, "too_long")
            raise GuardFailed("too_long")
        verdicts = []
        for piece in _pieces(what) if isinstance(what, str) else [what]:
            found = await self._look_once(piece, context)
            verdicts += [self.rule.verdict(one, self._adapter.version) for one in found]
        return [verdict for verdict in verdicts if verdict is not None]

    async def _look_once(self, what: str | Picture, context: Context) -> list[Finding]:
        digest = context.subject if context.where == "picture" and self.rule.keeps else ""
        if digest in self._kept:
            self._kept.move_to_end(digest)
            return self._kept[digest]
        found = await self._look(what, context)
        if digest:
            self._kept[digest] = found
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    async def _look(self, what: str | Picture, context: Context) -> list[Finding]:
        """Its time is for each piece. Raises GuardFailed."""
        began = time.monotonic()
        failure: Failure | None = None
        try:
            async with asyncio.timeout(self.rule.timeout_s):
                return list(await self._adapter.look(what, context))
        except GuardFailed as error:
            failure = error.how
            raise
        except TimeoutError:
            failure = "timeout"
            raise GuardFailed(failure) from None
        except Exception as error:  # an adapter of others may raise whatever
            # not its text, which may quote what it looked at
            log.error("guard %s broke: %s", self.rule.name, type(error).__name__)  # noqa: TRY400
            failure = "broken"
            raise GuardFailed(failure) from error
        finally:
            self._looked(self.rule.name, time.monotonic() - began, failure)

    def _note(self, failure: Failure | None) -> None:
        """A line when it begins to fail and when that ends; all of them are counted."""
        if failure is None:
            if self._failing:
                log.warning("guard %s answers again", self.rule.name)
            self._failing = False
            return
        level = logging.DEBUG if self._failing else logging.WARNING
        passes = "passes" if self.rule.fails == "open" else "is blocked"
        log.log(
            level,
            "guard %(guard)s fails: %(failure)s; what it cannot look at %(passes)s",
            {"guard": self.rule.name, "failure": failure, "passes": passes},
        )
        self._failing = True

    def _unchecked(self) -> Verdict:
        return Verdict("block", UNCHECKED, 1.0, self.rule.name, self._adapter.version)


@dataclass(frozen=True, slots=True)
class Guards:
    """All that are set up, each for what it looks at."""

    all: tuple[Guard, ...] = ()

    @property
    def texts(self) -> list[Guard]:
        return [guard for guard in self.all if guard.looks_at & {"question", "answer"}]

    @property
    def pictures(self) -> list[Guard]:
        return [guard for guard in self.all if "picture" in guard.looks_at]

    async def start(self) -> None:
        """Models are loaded one after the other. Raises ModelUnusable."""
        for guard in self.all:
            try:
                await guard.start()
            except ModelUnusable as error:
                raise ModelUnusable(f'[guards] "{guard.rule.name}": {error}') from error

    def forget(self) -> None:
        for guard in self.all:
            guard.forget()

    async def close(self) -> None:
        """Call it when no `check` is running any more."""
        for guard in self.all:
            await guard.close()


def _pieces(text: str) -> Iterator[str]:
    step = _PIECE - _OVERLAP
    for start in range(0, max(1, len(text) - _OVERLAP), step):
        yield text[start : start + _PIECE]


def _heaviest(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """One for each category."""
    best: dict[str, Verdict] = {}
    for verdict in sorted(verdicts, key=lambda one: (_WEIGHTS.index(one.action), one.score)):
        best[verdict.category] = verdict
    return list(best.values())
