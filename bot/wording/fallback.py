"""What people read while the engine cannot answer, and how long they want to wait for it."""

from __future__ import annotations

from typing import Literal

from bot.wording.text import Text

FallbackKey = Literal[
    # why there is no answer yet
    "away_starting",
    "away_down",
    "away_busy",
    "away_slow",
    # the promise
    "later",
    "later_minutes",
    "later_busy",
    "promise_broken",
    # what is given instead
    "knowledge_instead",
    "read_instead",
    "instead_mark",
    "unavailable",
    # /patience
    "about_patience",
    "patience_usage",
    "patience_now",
    "patience_off",
]

FALLBACK: dict[str, Text] = {
    "away_starting": Text(zh="模型还在启动。", en="The model is still starting."),
    "away_down": Text(
        zh="模型暂时停了，正在恢复。", en="The model has stopped and is being brought back."
    ),
    "away_busy": Text(zh="现在提问的人很多。", en="Many people are asking right now."),
    "away_slow": Text(
        zh="这次比平常慢，我还在做。好了就在这里回答，不用再发。",
        en="This is taking longer than usual, and I am still at it. The answer will appear here; "
        "there is no need to send the question again.",
    ),
    "later": Text(
        zh="我一回来就在这里回答你的问题，不用再发。",
        en="I will answer this here when I am back; there is no need to send it again.",
    ),
    "later_minutes": Text(
        zh="我一回来就在这里回答你的问题，大约要 {minutes} 分钟，不用再发。",
        en="I will answer this here when I am back, in about {minutes} min; "
        "there is no need to send it again.",
    ),
    "later_busy": Text(
        zh="轮到你时，我就在这里回答，不用再发。",
        en="I will answer this here when it is your turn; there is no need to send it again.",
    ),
    "promise_broken": Text(
        zh="抱歉，我答应过回答这个问题，但等了 {hours} 小时模型还是答不了，只好作罢。"
        "如果还需要，请再发一次。",
        en="Sorry: I promised to answer this, but for {hours} hours the model could not, "
        "and I have given it up. Please send it again if you still need it.",
    ),
    "knowledge_instead": Text(
        zh="我先在资料库里找到了这些：", en="Meanwhile, this is what the knowledge base says:"
    ),
    "read_instead": Text(
        zh="这只是我在照片里读出的文字，不是回答：",
        en="This is only the text I can read in the photo, not an answer:",
    ),
    "instead_mark": Text(
        zh="（模型现在回答不了，以上不是它的回答，也不计入用量。请过几分钟再问一次。）",
        en="(The model cannot answer at present. The above is not its answer and costs you "
        "nothing. Please ask again in a few minutes.)",
    ),
    "unavailable": Text(
        zh="模型现在回答不了这个问题。请过几分钟再问一次。",
        en="The model cannot answer this at present. Please ask again in a few minutes.",
    ),
    "about_patience": Text(
        zh="等多久就先给点别的，例如 /patience 2m",
        en="how long you wait before you get something else first, as in /patience 2m",
    ),
    "patience_usage": Text(
        zh="写成 /patience 2m 或 /patience 90s（10 秒到 24 小时），"
        "/patience off 表示愿意一直等，/patience default 恢复默认。",
        en="Write /patience 2m or /patience 90s (10 seconds to 24 hours), "
        "/patience off to wait however long it takes, /patience default to reset.",
    ),
    "patience_now": Text(
        zh="如果回答要等 {seconds} 秒以上，我就先给你能找到的内容。",
        en="If an answer takes longer than {seconds} s, you first get what else I can find.",
    ),
    "patience_off": Text(
        zh="不管排队多久，你都只等回答。",
        en="However long the line is, you just wait for the answer.",
    ),
}
