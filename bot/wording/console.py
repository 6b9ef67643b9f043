"""What the operator's page says when it refuses a call; and `visionbot admin page`."""

from __future__ import annotations

from typing import Literal

from bot.wording.text import Text

ConsoleKey = Literal[
    "console_no_entry",
    "console_link_used",
    "console_not_admin",
    "console_malformed",
    "console_no_order",
    "machine_page_made",
    "machine_page",
    "machine_page_bot_off",
    "machine_page_off",
    "machine_page_any_port",
]

CONSOLE: dict[str, Text] = {
    "console_no_entry": Text(
        "请先进入：在运行程序的机器上执行 visionbot admin page，打开它给出的链接。",
        "Please come in first: run visionbot admin page on the machine of the bot, and open the "
        "link it prints.",
    ),
    "console_link_used": Text(
        "这个链接已经用过，或者已超过 10 分钟。请再执行一次 visionbot admin page。",
        "This link was used already, or is older than 10 minutes. Run visionbot admin page again.",
    ),
    "console_not_admin": Text(
        "你已登录，但不是管理员。请让所有者用 /role 给你 admin 角色。",
        "You are signed in, but not as an admin. Ask an owner to give you that role with /role.",
    ),
    "console_malformed": Text(
        "没能读懂这个请求，请刷新页面后再试。",
        "The request could not be understood. Please reload the page and try again.",
    ),
    "console_no_order": Text(
        "没有 {command} 这个命令。这里能用的有：{known}。",
        "There is no command {command}. Those that work here: {known}.",
    ),
    "machine_page_made": Text(
        "已生成一个进入管理页面的链接。",
        "A link to the operator's page was made.",
    ),
    "machine_page": Text(
        "管理页面（链接只能用一次，10 分钟内有效）：\n{address}",
        "The operator's page (the link works once, for 10 minutes):\n{address}",
    ),
    "machine_page_bot_off": Text(
        "程序没有在运行。请先启动：visionbot run",
        "The bot is not running. Start it first: visionbot run",
    ),
    "machine_page_off": Text(
        "[web] 和 [api] 都关着，可能没有程序在那里监听："
        "请在其中一节设 enabled = true，再重启程序。",
        "[web] and [api] are both off, so perhaps nothing listens there: set enabled = true in one "
        "of them, and restart the bot.",
    ),
    "machine_page_any_port": Text(
        "[web] port 是 0，每次启动端口都不同；请换成固定端口，"
        "或把链接里的 0 换成启动时显示的端口。",
        "[web] port is 0, so the port is another one at each start: set a fixed one, or put the "
        "one that the start printed in place of the 0.",
    ),
}
