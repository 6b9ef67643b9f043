"""What people mean by a few words: that they want a person, that an answer was no good. Pure.

Width and case do not count, nor do punctuation and polite words around: "Can I talk to a HUMAN,
please?" calls a person, "is this a human?" and "人工智能是什么" do not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LONGEST = 200  # letters; who writes more says more than this
_AROUND_A_CALL = (
    "a an the i we id me us want wanna would like to need talk speak chat with get have can could "
    "may please pls connect transfer call put through real live some someone now hi hello hey "
    "thanks thank you your for help is there any "
    "我 我们 你 您 你好 您好 要 想 请 请问 帮 帮我 给 给我 麻烦 转 转接 接 找 联系 呼叫 叫 换 来 "
    "个 一个 位 一位 一下 吧 啊 呀 呢 了 吗 有 可以 能 能不能 可不可以 需要 跟 和 与 说话 聊 聊聊 "
    "谈 沟通 快 马上 现在 服务 谢谢 多谢 的"
)
_AROUND_A_COMPLAINT = (
    "a an the this that thats its it is was were are you your answer answers reply still again "
    "totally completely so very just really at all no yes ok well sorry but i am im "
    "这 这个 那 那个 你 您 我 的 回答 答案 回复 说 说的 太 真 很 完全 根本 都 又 还 还是 就 是 了 "
    "啊 呀 吧 呢 不 也 一点 对我 对 我说"
)


def is_call(text: str, phrases: Iterable[str]) -> bool:
    """Does the text say one or more of the phrases and nothing else that matters?"""
    return _says_only(text, phrases, _AROUND_A_CALL)


def is_complaint(text: str, phrases: Iterable[str]) -> bool:
    return _says_only(text, phrases, _AROUND_A_COMPLAINT)


def contains(text: str, phrases: Iterable[str]) -> bool:
    """Does one of the phrases stand somewhere in the text?"""
    wanted = [phrase for phrase in map(_folded, phrases) if phrase]
    return bool(wanted and re.search(_either(wanted), _folded(text)))


def _says_only(text: str, phrases: Iterable[str], around: str) -> bool:
    wanted = [phrase for phrase in map(_folded, phrases) if phrase]
    if not wanted or len(text) > _LONGEST:
        return False
    folded = _folded(text)
    # Possessive, or words made of other words could be cut in endlessly many ways.
    nothing_else = re.compile(rf"(?:\s|{_either([*wanted, *around.split()])})*+")
    said = re.compile(_either(wanted))
    return bool(nothing_else.fullmatch(folded) and said.search(folded))


def _either(words: Iterable[str]) -> str:
    """The longest that fits; what begins or ends with a Latin letter is a word of its own."""
    longest_first = sorted(set(words), key=len, reverse=True)
    return "(?:" + "|".join(_whole(word) for word in longest_first) + ")"


def _whole(word: str) -> str:
    before = r"(?<![^\W_\u2e80-\U0003ffff])" if _is_spaced(word[0]) else ""
    after = r"(?![^\W_\u2e80-\U0003ffff])" if _is_spaced(word[-1]) else ""
    return before + re.escape(word) + after


def _is_spaced(letter: str) -> bool:
    """Of a script that puts spaces between words."""
    return letter.isalnum() and letter < "\u2e80"


def _folded(text: str) -> str:
    """One width, one case, no apostrophes, a space for all that is no letter or digit."""
    plain = re.sub("['\u2019\u02bc]", "", unicodedata.normalize("NFKC", text).casefold())
    return re.sub(r"[\W_]+", " ", plain).strip()
