"""The page table: who holds which page of keys and values, and which prefix a page remembers.

A full page is named by its key, the hash of everything up to its end: the parent page's key, the
tokens, and the pixels of the pictures among them. Whoever asks for the same prefix shares the page;
a shared page is full, so nobody writes it. A page nobody holds stays remembered until it is needed.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import OrderedDict

from inference.engine.sequence import Sequence


class PageTable:
    def __init__(self, pages: int, page_tokens: int) -> None:
        self.pages = pages
        self.page_tokens = page_tokens
        self._holders = [0] * pages
        self._blank = list(range(pages - 1, -1, -1))  # free and without memory
        self._kept: OrderedDict[int, None] = OrderedDict()  # free but remembered, oldest first
        self._page_of: dict[bytes, int] = {}
        self._key_of: dict[int, bytes] = {}

    @property
    def free(self) -> int:
        return len(self._blank) + len(self._kept)

    @property
    def used(self) -> int:
        return self.pages - self.free

    def admit(self, sequence: Sequence) -> bool:
        """Give a sequence without pages all it needs for its tokens, shared where the prefix is
        known, and set `computed` behind the shared part. False: not enough free, nothing changed.
        """
        assert not sequence.pages
        keys, shared = self._known_prefix(sequence)
        fresh = self.pages_for(len(sequence.tokens)) - len(shared)
        if fresh > self.free - sum(page in self._kept for page in shared):
            return False
        for page in shared:
            self._hold(page)
        sequence.pages = shared + [self._take() for _ in range(fresh)]
        sequence.keys = keys
        sequence.computed = len(shared) * self.page_tokens
        return True

    def grow(self, sequence: Sequence) -> bool:
        """See that the pages reach to the last token. False: none is free."""
        while len(sequence.pages) < self.pages_for(len(sequence.tokens)):
            if not self.free:
                return False
            sequence.pages.append(self._take())
        return True

    def remember(self, sequence: Sequence) -> None:
        """Name the pages that the computed tokens have filled, so that others find them."""
        for number in range(len(sequence.keys), sequence.computed // self.page_tokens):
            key = self._key(sequence, number, sequence.keys[-1] if sequence.keys else b"")
            sequence.keys.append(key)
            page = sequence.pages[number]
            if key not in self._page_of:  # otherwise another sequence computed the same meanwhile
                self._page_of[key], self._key_of[page] = page, key

    def release(self, sequence: Sequence, *, forget: bool = False) -> None:
        """Let go of all pages. `forget`: what they hold is wrong, nobody shall find it again."""
        # the last page goes first, so that a prefix outlives what was built on it
        for page in reversed(sequence.pages):
            if forget and page in self._key_of:
                del self._page_of[self._key_of.pop(page)]
            self._holders[page] -= 1
            if not self._holders[page]:
                self._put_back(page)
        sequence.pages, sequence.keys, sequence.computed = [], [], 0

    def pages_for(self, tokens: int) -> int:
        return -(-tokens // self.page_tokens)

    def _known_prefix(self, sequence: Sequence) -> tuple[list[bytes], list[int]]:
        keys: list[bytes] = []
        pages: list[int] = []
        # one token at least is computed anew: the next one is drawn from its result
        for number in range((len(sequence.tokens) - 1) // self.page_tokens):
            key = self._key(sequence, number, keys[-1] if keys else b"")
            page = self._page_of.get(key)
            if page is None:
                break
            keys.append(key)
            pages.append(page)
        return keys, pages

    def _key(self, sequence: Sequence, number: int, parent: bytes) -> bytes:
        start, end = number * self.page_tokens, (number + 1) * self.page_tokens
        name = hashlib.blake2b(parent, digest_size=16)
        name.update(array("q", sequence.tokens[start:end]).tobytes())
        for span in sequence.prompt.spans:
            if span.start < end and span.end > start:
                name.update(span.digest.encode())
        return name.digest()

    def _hold(self, page: int) -> None:
        self._kept.pop(page, None)
        self._holders[page] += 1

    def _take(self) -> int:
        if self._blank:
            page = self._blank.pop()
        else:
            page, _ = self._kept.popitem(last=False)
            del self._page_of[self._key_of.pop(page)]
        self._holders[page] = 1
        return page

    def _put_back(self, page: int) -> None:
        if page in self._key_of:
            self._kept[page] = None
        else:
            self._blank.append(page)
