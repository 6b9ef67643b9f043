"""The lists of the moment: read again when the rules or a file change, whole or not at all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from inference.errors import BadLists
from inference.safety.section import SafetySection
from inference.safety.verdict import Verdict
from inference.safety.wordlists.lists import State, files, read_lists, state_of
from inference.safety.wordlists.patterns import Side
from inference.safety.wordlists.words import Words

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_PATIENCE_S = 3.0  # with a folder that does not answer, or very long lists


class Wordbook:
    """`now` never waits; `fresh` waits until what changed is read."""

    def __init__(
        self,
        section: Callable[[], SafetySection],
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """`folder`: the operator's lists, where the section names none. Raises BadLists."""
        self._section = section
        self._folder = folder
        self._clock = clock
        self._patience_s = patience_s
        self._seen = self._look(section())
        self._tried = section()
        self._words = read_words(section(), folder)
        self._looked = clock()
        self._looking: asyncio.Task[None] | None = None
        self._given_up = False  # is nobody to wait for `_looking` any more?

    @property
    def now(self) -> Words:
        return self._words

    def check(self, text: str, side: Side = "questions") -> list[Verdict]:
        return self._words.check(text, side)

    async def fresh(self) -> Words:
        """What /reload changed counts at once; what changed in a file, a second later at most."""
        for _ in range(2):  # the rules may change while files are read
            if self._is_idle() and self._is_due():
                self._looked, self._given_up = self._clock(), False
                self._looking = asyncio.create_task(self._update())
            await self._wait()
        return self._words

    async def close(self) -> None:
        if self._looking is not None:
            await asyncio.gather(self._looking, return_exceptions=True)

    def _is_idle(self) -> bool:
        return self._looking is None or self._looking.done()

    def _is_due(self) -> bool:
        looked_lately = self._clock() - self._looked < _LOOK_EVERY_S
        return self._section() is not self._tried or not looked_lately

    async def _wait(self) -> None:
        """Whoever waits may go; the reading goes on."""
        if self._looking is None or self._given_up:
            return
        done, _ = await asyncio.wait([self._looking], timeout=self._patience_s)
        if not done and not self._given_up:
            self._given_up = True
            log.warning(
                "the word lists take longer than %s s to read, those from before go on meanwhile",
                self._patience_s,
            )

    async def _update(self) -> None:
        """A fault is told once, and what counted before goes on to count."""
        section = self._section()
        seen = await asyncio.to_thread(self._look, section)
        if seen == self._seen and _same(section, self._tried):
            self._tried = section
            return
        self._seen, self._tried = seen, section
        try:
            self._words = await asyncio.to_thread(read_words, section, self._folder)
        except BadLists as error:
            log.error("a word list has a fault, the lists from before go on: %s", error)  # noqa: TRY400  it says all
            return
        log.info("the word lists were read again: %s", self._words.version)

    def _look(self, section: SafetySection) -> State:
        folder = Path(section.lists) if section.lists else self._folder
        try:
            return state_of(files(folder, ours=section.default_lists))
        except BadLists:
            return ()  # as `read_words` will tell


def read_words(section: SafetySection, folder: Path) -> Words:
    """`folder`: as Wordbook. Raises BadLists."""
    if section.lists:
        folder = Path(section.lists)
        if not folder.is_dir():
            raise BadLists(
                f'[safety] lists is "{section.lists}", which is no folder; make it, or leave lists'
                " empty"
            )
    return Words(section, read_lists(files(folder, ours=section.default_lists)))


def _same(one: SafetySection, other: SafetySection) -> bool:
    """As far as the lists go."""
    return (
        one.lists == other.lists
        and one.default_lists == other.default_lists
        and one.actions == other.actions
        and one.patterns == other.patterns
    )
