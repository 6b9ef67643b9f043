"""All lists and patterns of one moment, ready to look at questions and to watch answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from inference.errors import BadLists
from inference.safety.outgoing.stage import Stage, Tell, covered
from inference.safety.outgoing.watching import WatchStage
from inference.safety.section import SafetySection
from inference.safety.verdict import Action, Verdict
from inference.safety.wordlists.fold import BREAK, EDGE, Folding, Spelling, spelled
from inference.safety.wordlists.hit import Hit, Rule
from inference.safety.wordlists.keywords import Automaton, Scan
from inference.safety.wordlists.lists import Lists, Phrase
from inference.safety.wordlists.patterns import Pattern, PatternScan, Side

_WEIGHTS: dict[Action, int] = {"pass": 0, "review": 1, "mask": 2, "block": 3}  # nosec B105
_SPELT_OUT = 4  # Latin words of so many letters are also found one letter at a time
_SIDES: tuple[Side, ...] = ("questions", "answers")


class Words:
    """Nothing in it changes, so several threads may use it at once."""

    def __init__(self, section: SafetySection, lists: Lists) -> None:
        """Raises BadLists. With 10,000 phrases it takes some 0.2 s."""
        self.version = lists.digest
        self.phrases = len(lists.phrases)
        self._folding = Folding()
        self._automata = {side: Automaton(self._of(lists, section, side)) for side in _SIDES}
        self._patterns = [
            (pattern, Rule(pattern.category, section.action_of(pattern.category), "patterns"))
            for pattern in (one.compiled() for one in section.patterns)
        ]

    def check(self, text: str, side: Side = "questions") -> list[Verdict]:
        """At most one for each category, with all places of it. About 0.4 ms for 1,000
        characters."""
        by_category: dict[str, list[Hit]] = defaultdict(list)
        for hit in self._hits(text, side):
            by_category[hit.rule.category].append(hit)
        return [self._verdict(hits) for hits in by_category.values()]

    def cover(self, text: str, side: Side = "questions", *, blocked: bool = False) -> str:
        """With what is to be masked covered up, and if wanted what is `blocked`."""
        actions = ("mask", "block") if blocked else ("mask",)
        hits = [hit for hit in self._hits(text, side) if hit.rule.action in actions]
        return covered(text, [(hit.start, hit.end) for hit in hits])

    def stages(
        self, tell: Tell, *, allowed: Callable[[], Collection[str]] = tuple[str]
    ) -> list[Stage]:
        """For one answer, or one part of it that is told apart. `allowed`: categories that staff
        let through here."""
        return [
            WatchStage(scanner, tell, version=self.version, allowed=allowed)
            for scanner in self._scanners("answers")
        ]

    def _scanners(self, side: Side) -> list[Scan | PatternScan]:
        return [
            Scan(self._automata[side], Spelling(self._folding)),
            *(PatternScan(one, rule) for one, rule in self._patterns_of(side)),
        ]

    def _patterns_of(self, side: Side) -> Iterator[tuple[Pattern, Rule]]:
        return ((p, rule) for p, rule in self._patterns if side in p.sides and _counts(rule))

    def _hits(self, text: str, side: Side) -> list[Hit]:
        scan = Scan(self._automata[side], Spelling(self._folding))
        hits = scan.feed(text) + scan.close()
        for pattern, rule in self._patterns_of(side):
            hits += [Hit(start, end, rule) for start, end in pattern.spans(text)]
        return hits

    def _verdict(self, hits: Sequence[Hit]) -> Verdict:
        rule = max((hit.rule for hit in hits), key=lambda rule: _WEIGHTS[rule.action])
        spans = tuple(sorted({(hit.start, hit.end) for hit in hits}))
        return Verdict(rule.action, rule.category, 1.0, rule.detector, self.version, spans)

    def _of(
        self, lists: Lists, section: SafetySection, side: Side
    ) -> Iterable[tuple[str, Rule | None]]:
        for phrase in lists.phrases:
            if side not in phrase.sides:
                continue
            symbols = self._symbols(phrase)
            rule = None
            if not phrase.harmless:
                rule = Rule(phrase.category, _action(phrase, symbols, section), "words")
                if not _counts(rule):
                    continue
            yield symbols, rule
            letters = symbols.replace(EDGE, "")
            if _is_spaced(symbols) and len(letters) >= _SPELT_OUT:
                yield EDGE + "".join(letter + EDGE for letter in letters), rule

    def _symbols(self, phrase: Phrase) -> str:
        symbols = spelled(phrase.text, self._folding).rstrip(BREAK)
        if not symbols or BREAK in symbols:
            raise BadLists(
                f"{phrase.place}: {phrase.text[:40]!r} can never be found; a phrase has letters or"
                " figures, and no end of a sentence inside"
            )
        return symbols


def _counts(rule: Rule) -> bool:
    return rule.action != "pass"


def _action(phrase: Phrase, symbols: str, section: SafetySection) -> Action:
    """Two characters of Chinese stand inside many harmless words."""
    if phrase.action is not None:
        return phrase.action
    action = section.action_of(phrase.category)
    short = len(symbols) <= 2 and EDGE not in symbols
    return "review" if short and action != "pass" else action


def _is_spaced(symbols: str) -> bool:
    """Is every word of it of a script that puts spaces between words?"""
    return symbols.startswith(EDGE) and symbols.endswith(EDGE)
