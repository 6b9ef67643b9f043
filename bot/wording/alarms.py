"""What the owners read when something is wrong with the program, wherever they talk to it."""

from __future__ import annotations

from typing import Literal

from bot.wording.text import Text

AlarmKey = Literal[
    "alarm_revoked",
    "alarm_conflict",
    "alarm_unreachable",
    "alarm_held",
    "alarm_dead",
    "alarm_full",
    "alarm_over",
    "alarm_full_over",
    "alarm_minutes",
    "alarm_hours",
]

ALARMS: dict[str, Text] = {
    "alarm_revoked": Text(
        zh="⚠️ {platform} 不再接受我的令牌或密码：那里收不到消息，也发不出去。其他平台照常。"
        "请换上有效的再重启；等着的问题会接着回答。",
        en="⚠️ {platform} does not accept my token or password any more: nothing is received or "
        "sent there. Other platforms go on. Please set a valid one and restart; questions that "
        "wait are answered then.",
    ),
    "alarm_conflict": Text(
        zh="⚠️ 另一个程序在用我的 {platform} 令牌收消息，每条消息只会到我们其中一个。"
        "请停掉它，我会自己恢复。",
        en="⚠️ Another program receives messages with my {platform} token, and each message "
        "reaches only one of us. Please stop it; I go on by myself then.",
    ),
    "alarm_unreachable": Text(
        zh="⚠️ {platform} 已经有 {time}连不上了。我会一直重试，已收到的问题都留着。"
        "请看看网络和那边的服务。",
        en="⚠️ {platform} has been out of reach for {time}. I keep trying, and all questions I "
        "have are kept. Please look at the network and the service there.",
    ),
    "alarm_held": Text(
        zh="⚠️ {platform} 要我 {time}后才能再往某些聊天里发消息（{count} 个）。"
        "回答都留着，到时送到；其他聊天照常。",
        en="⚠️ {platform} makes me wait {time} before I may write to some chats again ({count}). "
        "Their answers are kept and come then; all other chats go on.",
    ),
    "alarm_dead": Text(
        zh="⚠️ 有 {count} 个问题试了几次都没能回答，已经告诉提问的人。原因在日志里。",
        en="⚠️ Questions given up after several tries: {count}. Those who asked were told. The log "
        "says why.",
    ),
    "alarm_full": Text(
        zh="⚠️ 放数据的磁盘满了：新的问题暂时收不进来，聊天平台会先留着。已收到的会接着回答。"
        "请腾出空间，我会自己恢复。",
        en="⚠️ The disk with the data is full: no new questions are taken in, and the chat "
        "platforms keep them. Those that I have are answered. Please make room; I go on by myself "
        "then.",
    ),
    "alarm_over": Text(
        zh="✅ {platform} 恢复正常了，之前中断了 {time}。",
        en="✅ {platform} works again, after {time}.",
    ),
    "alarm_full_over": Text(
        zh="✅ 磁盘又有空间了，新的问题照常接收；之前满了 {time}。",
        en="✅ There is room on the disk again, and new questions are taken in. It was full for "
        "{time}.",
    ),
    "alarm_minutes": Text(zh="{minutes} 分钟", en="{minutes} min"),
    "alarm_hours": Text(zh="{hours} 小时 {minutes} 分钟", en="{hours} h {minutes} min"),
}
