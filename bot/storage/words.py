"""The words of a text, as the search knows them: pairs of Chinese characters, and whole words.

Chinese has no spaces, so that a run of its characters becomes its pairs, and its last character
alone: so a single character is found as the beginning of a word. Width and case are folded.
"""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 32  # letters of a word; what is longer is no word
_MOST_ASKED = 64  # words of one question

# Written together: Han, kana, hangul.
_RUN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(f"([{_RUN}]+)|(?:(?![{_RUN}])[^\\W_])+")

# What a question is made of besides what it is about; the longest of those that fit counts.
_FILLER = re.compile(
    "能不能|是不是|有没有|可不可以|需不需要|要不要|为什么|问一下|"
    "请问|什么|怎么|怎样|如何|为何|多少|哪里|哪儿|哪些|哪个|哪种|几点|几个|可以|能否|是否|需要|应该|告诉|帮我|知道|想问|"
    "一下|一个|这个|那个|这些|那些|这张|这里|那里|我们|你们|他们|她们|咱们|您好|你好|谢谢|麻烦|时候|还是|或者|以及|但是|"
    "因为|所以|如果|"
    "[的了吗呢吧啊呀嘛是在和与或及也就都我你您他她它们这那哪谁几很要想能会让给把被对从到去来有没不还又再将向于以而之请问说看做着"
    "过得地么用]"
)
_FILLER_ENGLISH = (
    "a an the and or but if of to in on at by for from with without about as is are was were be "
    "been am do does did can could may might must shall should will would have has had not no yes "
    "i you he she it we they me him her us them my your his its our their this that these those "
    "there here what which who whom whose when where why how much many please tell know want need "
    "get any some all so than then too very just also s t re ve ll d m"
)
_SKIPPED = frozenset(_FILLER_ENGLISH.split())

# What people say without asking for anything.
_GREETING = re.compile(
    "早上好|上午好|中午好|下午好|晚上好|大家好|早安|晚安|哈喽|再见|拜拜|收到|辛苦|感谢|多谢|不客气|没关系|没事|测试|"
    "[好早嗨嘿哈嗯哦]"
)
_GREETING_ENGLISH = (
    "hi hello hey hiya good morning afternoon evening night day everyone everybody thank cheer "
    "welcome bye goodbye ok okay great nice fine cool sure test lol haha"
)
_GREETINGS = frozenset(_GREETING_ENGLISH.split())


def words_of(text: str) -> list[str]:
    """Each as often as it occurs."""
    words: list[str] = []
    for found in _WORD.finditer(_fold(text)):
        word = found[0]
        words += [*_pairs(word), word[-1]] if found[1] else [_singular(word)]
    return words


def asked_words(question: str) -> list[str]:
    """Without filler, each once. A single Chinese character stands for all words it begins."""
    words: dict[str, None] = {}
    for found in _WORD.finditer(_fold(question)):
        if found[1]:
            for part in filter(None, _FILLER.split(found[0])):
                words |= dict.fromkeys(_pairs(part) or [part])
        elif found[0] not in _SKIPPED:
            words[_singular(found[0])] = None
    return list(words)[:_MOST_ASKED]


def is_small_talk(text: str) -> bool:
    """Is there nothing to look up, for it only greets, thanks or fills?"""
    left = _GREETING.sub(" ", _fold(text))
    return all(word in _GREETINGS for word in asked_words(left))


def is_beginning(word: str) -> bool:
    """A single character of a script without spaces: with it begins whatever is meant."""
    found = _WORD.fullmatch(word)
    return len(word) == 1 and found is not None and found[1] is not None


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


def _singular(word: str) -> str:
    """Near enough: both the passage and the question lose the same letter."""
    short = word[:_LONGEST]
    return short[:-1] if len(short) > 3 and short.endswith("s") and short[-2] != "s" else short
