"""The texts that the tokenizer is made from: the talk itself, and common words of both languages."""

# ruff: noqa: E501 - Chinese characters count double
from __future__ import annotations

from collections.abc import Iterator
from random import Random

from inference.demo import talk
from inference.demo.shards import Gallery
from inference.demo.smalltalk import BEYOND, CHAT, TOPICS
from inference.demo.wordings import OTHER_SYSTEM_LINES, SYSTEM_LINES

# Characters that people type and the tables may lack.
_MORE_CHARACTERS = (
    "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之都好看起料"
    "发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位分爱老因很给名法间斯知世什两次"
    "使身者被高已亲其进此话常与活正感见明问力理尔点文几定本公特做外孩相西果走将月十实向声车全信重三机工物气每并别真打太新比才便夫"
    "再书部水像眼等体却加电主界门利海受听表德少克代员许先口由死安写性马光白或住难望教命花结乐色更拉东神记处让母父应直字场平报友关"
    "放至张认接告入笑内英军候民岁往何度山觉路带万男边风解叫任金快原吃妈变通师立象数四失满战远格士音轻目条呢病始达深完今提求清王化"
    "空业思切怎非找片罗钱语元喜曾离飞科言干流欢约各即指合反题必该论交终林请医晚制球决传画保读运及则房早院量苦火布品近坐产答星精视"
    "五连司巴奇管类未朋且婚台夜青北队久乎越观落尽形影红爸百令周吧识步希亚术留市半热送兴造谈容极随演收首根讲整式取照办强石古华"
    "图颜圆橙紫黄绿蓝黑灰粉棕褐橘左右顶底侧央描述背景哪啥咋儿嘛呗哦哈嗨您谢拜辨瞧瞅涂染印刷块框角棱框圈框摆靠贴躺悬挂浮列举归属"
)
_REPEATS = 4


def corpus(gallery: Gallery, conversations: int) -> Iterator[str]:
    r = Random(5)
    for _ in range(conversations):
        scenes = tuple(gallery.scene(int(r.random() * len(gallery))) for _ in range(2))
        kind = r.random()
        if kind < 0.75:
            turns = talk.about_picture(r, scenes[0])
        elif kind < 0.9:
            turns = talk.without_picture(r, scenes[0])
        else:
            turns = talk.about_two(r, (scenes[0], scenes[1]), together=r.random() < 0.5)
        for turn in turns:
            yield turn.text.lower() if r.random() < 0.3 else turn.text
            yield turn.answer
    for _ in range(_REPEATS):
        yield from _tables()
    yield from SYSTEM_LINES * 60  # on most prompts, so worth whole words


def _tables() -> Iterator[str]:
    yield from SYSTEM_LINES
    yield from OTHER_SYSTEM_LINES
    yield from _MORE_CHARACTERS
    for table in (BEYOND, TOPICS, *(said for said, _ in CHAT.values())):
        for texts in table.values():
            yield from texts
            yield from (f" {text}" for text in texts)
