"""The page table: who holds which page of keys and values, and which prefix a page remembers.

A full page is named by its key, the hash of everything up to its end: the parent page's key, the
tokens, and the pixels of the pictures among them. Whoever asks for the same prefix shares the page;
a shared page is full, so nobody writes it. A page nobody holds stays remembered until it is needed;
then its content moves to the host's memory, and comes back when it is asked for again.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from inference.engine.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Move:
    """Copy a page's content between the device and a slot of the host's memory."""

    page: int
    slot: int
    to_host: bool


class PageTable:
    """Moves are recorded when the table changes and are to be made strictly in that order, before
    anything is computed. So the memory after the n-th move is what the table said after recording
    it: whatever a move reads was put there by an earlier one or by an earlier step, and whatever is
    given away, evicted or overwritten later in the same plan is so only by later moves.
    """

    def __init__(self, pages: int, page_tokens: int, host_pages: int = 0) -> None:
        self.pages = pages
        self.page_tokens = page_tokens
        self.host_pages = host_pages
        self._holders = [0] * pages
        self._blank = list(range(pages - 1, -1, -1))  # free and without memory
        self._kept: OrderedDict[int, None] = OrderedDict()  # free but remembered, oldest first
        self._page_of: dict[bytes, int] = {}
        self._key_of: dict[int, bytes] = {}
        self._empty_slots = list(range(host_pages - 1, -1, -1))
        self._slot_of: OrderedDict[bytes, int] = OrderedDict()  # oldest first
        self._moves: list[Move] = []

    @property
    def free(self) -> int:
        return len(self._blank) + len(self._kept)

    @property
    def used(self) -> int:
        return self.pages - self.free

    @property
    def cached(self) -> int:
        """Free pages whose content is remembered."""
        return len(self._kept)

    @property
    def on_host(self) -> int:
        """Pages whose content is in the host's memory, be it on the device too or not."""
        return len(self._slot_of)

    def take_moves(self) -> list[Move]:
        """What must be copied before the next step is computed, in this order."""
        moves, self._moves = self._moves, []
        return moves

    def shortage(self, sequence: Sequence, leaving: Collection[Sequence] = ()) -> int:
        """How many free pages `admit` would lack once those `leaving` have let go of theirs; below
        0: so many would stay free."""
        known = self._known_prefix(sequence)
        shared = {self._page_of[key] for key in known if key in self._page_of}
        held = Counter(page for one in leaving for page in one.pages)
        free = [page for page, count in held.items() if count == self._holders[page]]
        available = self.free + len(set(free) - shared) - sum(page in self._kept for page in shared)
        return self.pages_for(len(sequence.tokens)) - len(shared) - available

    def admit(self, sequence: Sequence) -> bool:
        """Give a sequence without pages all it needs for its tokens, shared where the prefix is
        known, and set `computed` behind the known part. False: not enough free, nothing changed.
        """
        assert not sequence.pages
        if self.shortage(sequence) > 0:
            return False
        known = self._known_prefix(sequence)
        for key in known:
            if key in self._page_of:
                self._hold(self._page_of[key])
        self._bring_back([key for key in known if key not in self._page_of])
        sequence.pages = [self._page_of[key] for key in known]
        sequence.named = len(known)
        sequence.computed = len(known) * self.page_tokens
        return self.grow(sequence)

    def grow(self, sequence: Sequence) -> bool:
        """See that the pages reach to the last token. False: none is free."""
        while len(sequence.pages) < self.pages_for(len(sequence.tokens)):
            if not self.free:
                return False
            sequence.pages.append(self._take())
        return True

    def catch_up(self, sequence: Sequence) -> None:
        """Share what others have computed of its tokens since it was admitted."""
        number = sequence.computed // self.page_tokens
        for key in self._keys(sequence)[number:]:
            page = self._page_of.get(key)
            if page is None:
                return
            self._hold(page)
            self._let_go(sequence.pages[number])  # its own, which it has not filled
            sequence.pages[number] = page
            number += 1
            sequence.named, sequence.computed = number, number * self.page_tokens

    def remember(self, sequence: Sequence) -> None:
        """Name the pages that the computed tokens have filled, so that others find them."""
        full = sequence.computed // self.page_tokens
        for number in range(sequence.named, full):
            key, page = self._key(sequence, number), sequence.pages[number]
            if key not in self._page_of:  # otherwise another sequence computed the same meanwhile
                self._name(page, key)
        sequence.named = full

    def release(self, sequence: Sequence, *, forget: bool = False) -> None:
        """Let go of all pages. `forget`: what they hold is wrong, nobody shall find it again."""
        # the last page goes first, so that a prefix outlives what was built on it
        for page in reversed(sequence.pages):
            if forget and page in self._key_of:
                self._forget(page)
            self._let_go(page)
        sequence.pages, sequence.named, sequence.computed = [], 0, 0

    def forget_all(self) -> None:
        """Nobody finds what nobody holds now, nor any copy on the host. What is held stays where
        it is, and is remembered again when its holders let go of it."""
        while self._kept:
            page, _ = self._kept.popitem()
            del self._page_of[self._key_of.pop(page)]
            self._blank.append(page)
        self._empty_slots += self._slot_of.values()
        self._slot_of.clear()

    def pages_for(self, tokens: int) -> int:
        return -(-tokens // self.page_tokens)

    def _known_prefix(self, sequence: Sequence) -> list[bytes]:
        """The keys of its first pages, as far as their content is on the device or the host."""
        known = []
        for key in self._keys(sequence):
            if key not in self._page_of and key not in self._slot_of:
                break
            known.append(key)
        return known

    def _keys(self, sequence: Sequence) -> list[bytes]:
        """Of its full pages, but one token at least is computed: it yields the next one."""
        full = (len(sequence.tokens) - 1) // self.page_tokens
        if full:
            self._key(sequence, full - 1)
        return sequence.keys[:full]

    def _key(self, sequence: Sequence, number: int) -> bytes:
        """They depend on the tokens alone, so the sequence keeps those that were made."""
        for at in range(len(sequence.keys), number + 1):
            start, end = at * self.page_tokens, (at + 1) * self.page_tokens
            parent = sequence.keys[-1] if at else sequence.salt
            name = hashlib.blake2b(parent, digest_size=16)
            name.update(array("q", sequence.tokens[start:end]).tobytes())
            for span in sequence.prompt.spans:
                if span.start < end and span.end > start:
                    name.update(span.digest.encode())
            sequence.keys.append(name.digest())
        return sequence.keys[number]

    def _name(self, page: int, key: bytes) -> None:
        self._page_of[key], self._key_of[page] = page, key

    def _hold(self, page: int) -> None:
        self._kept.pop(page, None)
        self._holders[page] += 1

    def _let_go(self, page: int) -> None:
        self._holders[page] -= 1
        if self._holders[page]:
            return
        if page in self._key_of:
            self._kept[page] = None
        else:
            self._blank.append(page)

    def _bring_back(self, keys: list[bytes]) -> None:
        """Copy these from the host to pages, which are held then. The copies on the host stay."""
        # out of the way first: room for the pages is made by evicting others to the host
        slots = [(key, self._slot_of.pop(key)) for key in keys]
        for key, slot in slots:
            page = self._take()
            self._name(page, key)
            self._moves.append(Move(page, slot, to_host=False))
        self._slot_of.update(reversed(slots))  # a prefix outlives what was built on it

    def _take(self) -> int:
        """A page to write, held once; what it remembers is evicted."""
        if self._blank:
            page = self._blank.pop()
        else:
            page, _ = self._kept.popitem(last=False)
            key = self._key_of.pop(page)
            del self._page_of[key]
            self._save(page, key)
        self._holders[page] = 1
        return page

    def _save(self, page: int, key: bytes) -> None:
        """Keep its content on the host, if it has room."""
        if key in self._slot_of:
            self._slot_of.move_to_end(key)  # a copy stayed there
            return
        if self._empty_slots:
            slot = self._empty_slots.pop()
        elif self._slot_of:
            _, slot = self._slot_of.popitem(last=False)
        else:
            return
        self._slot_of[key] = slot
        self._moves.append(Move(page, slot, to_host=True))

    def _forget(self, page: int) -> None:
        key = self._key_of.pop(page)
        del self._page_of[key]
        if key in self._slot_of:
            self._empty_slots.append(self._slot_of.pop(key))
