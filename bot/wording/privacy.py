"""Privacy: what is kept, the copy of it, its end."""

from __future__ import annotations

from typing import Literal

from bot.wording.text import Text

PrivacyKey = Literal[
    "about_privacy",
    "about_export",
    "about_forget",
    "forget_usage",
    "privacy",
    "privacy_desk",
    "privacy_remote",
    "privacy_rights",
    "privacy_rights_page",
    "kept_hours",
    "kept_days",
    "kept_for_ever",
    "only_in_private",
    "export_made",
    "export_left_out",
    "export_on_page",
    "export_too_large",
    "forget_sure",
    "forget_yes",
    "forget_no",
    "forget_kept",
    "forgetting",
    "forgetting_banned",
    "forgotten",
    "machine_exported",
    "machine_export_exists",
    "machine_forgotten",
    "machine_forget_ordered",
    "machine_forget_sure",
    "machine_forget_not",
]

PRIVACY: dict[str, Text] = {
    "about_privacy": Text("我保存了什么、多久、谁看得到", "what I keep, how long, who sees it"),
    "about_export": Text("把我保存的关于你的一切发给你", "a copy of all I keep about you"),
    "about_forget": Text("删除我保存的关于你的一切", "delete all I keep about you"),
    "forget_usage": Text(
        "/forget 会先问一次；/forget yes 直接删除。只在私聊里有效。",
        "/forget asks once; /forget yes deletes at once. In private chats only.",
    ),
    "privacy": Text(
        "我保存什么、多久：\n"
        "· 你的问题和我的回答：{text}\n"
        "· 照片：{photos}（还有问题或人工客服在等时会留到处理完），之后对话照常，只是没有照片\n"
        "· 名字、语言和你的设置：你最后一次来之后 {people}\n"
        "· 用了多少（只有数量）：{ledger}\n"
        "· 被拦下的内容（号码已遮住）：{cases}\n"
        "都存在运行我的这台机器上；磁盘是否加密由它的管理员决定。"
        "管理员能看到这台机器上的一切；别的用户看不到你的对话。"
        "照片里的位置等附加信息不会保存。",
        "What I keep, and for how long:\n"
        "· your questions and my answers: {text}\n"
        "· photos: {photos}, or until a question or a ticket that waits is done;"
        " the talk goes on without them\n"
        "· your name, language and settings: {people} after you were last here\n"
        "· how much you used, as amounts: {ledger}\n"
        "· what was held back, with numbers covered: {cases}\n"
        "All of it is on the machine that runs me; whether its disk is encrypted is up to its"
        " operators. They can see what is on it; other people do not see your talks."
        " Where a photo was taken, and the like, is not kept.",
    ),
    "privacy_desk": Text(
        "· 转给人工客服的对话：工作人员看得到，结束后保存 {tickets}",
        "· what goes to the service desk: its staff read it; kept for {tickets} after its end",
    ),
    "privacy_remote": Text(
        "问题和照片由另一台服务器上的模型回答，它的规定由管理员告诉你。",
        "Questions and photos are answered by a model on another server;"
        " ask the operators for its rules.",
    ),
    "privacy_rights": Text(
        "/export 拿一份，/forget 全部删除（都在私聊里）。"
        "已经做的备份里还有旧内容，直到备份被删除；聊天软件里的消息请在那里删除。",
        "/export sends you a copy, /forget deletes it all (both in private)."
        " Backups made before hold it until they are deleted; messages in the chat app are"
        " deleted there.",
    ),
    "privacy_rights_page": Text(
        "“设置”里可以下载一份，或全部删除。已经做的备份里还有旧内容，直到备份被删除。",
        'Under "Settings" you can download a copy, or delete it all.'
        " Backups made before hold it until they are deleted.",
    ),
    "kept_hours": Text("{count} 小时", "{count} h"),
    "kept_days": Text("{count} 天", "{count} days"),
    "kept_for_ever": Text("没有期限", "without an end"),
    "only_in_private": Text(
        "这件事请在私聊里做：给我单独发 /{command}。",
        "Please do this in private: send me /{command} in a chat of our own.",
    ),
    "export_made": Text(
        "这是我保存的关于你的一切：data.json 里是文字和设置，photos 里是 {photos} 张照片。",
        "This is all I keep about you: words and settings in data.json, {photos} photos beside it.",
    ),
    "export_left_out": Text(
        "还有 {left_out} 张较早的照片放不下（文件最大 {limit} MB）；请向管理员要完整的一份。",
        "{left_out} older photos did not fit into {limit} MB; ask the operators for all of it.",
    ),
    "export_on_page": Text(
        "请在“设置”里点“下载我的数据”。",
        'Please press "Download my data" under "Settings".',
    ),
    "export_too_large": Text(
        "文件超过 {limit} MB，这里发不出；请向管理员要一份。",
        "The copy is larger than the {limit} MB that can be sent here; ask the operators for it.",
    ),
    "forget_sure": Text(
        "要我忘记你吗？问题、回答、照片、设置、身份和工单里的话都会删除，正在写的回答会停下，"
        "无法恢复。会留下的：还有效的封禁；用量和操作记录，名字换成哈希值（用量的 32 天后去掉）；"
        "工单的编号、时间和评分。\n"
        "要删除请按按钮，或者发 /forget yes。",
        "Shall I forget you? Questions, answers, photos, settings, roles and what you said to the"
        " service desk are deleted, and answers being written stop. This cannot be undone. What"
        " stays: a ban that still holds; what you used and what was ordered, under a hash instead"
        " of your name (with what you used for 32 days); number, times and score of tickets."
        " Press the button, or send /forget yes.",
    ),
    "forget_yes": Text("全部删除", "Delete it all"),
    "forget_no": Text("不删", "Keep it"),
    "forget_kept": Text("好的，什么都没有删除。", "Nothing was deleted."),
    "forgetting": Text(
        "我正在删除关于你的一切。",
        "I am deleting all about you.",
    ),
    "forgetting_banned": Text(
        "我正在删除关于你的一切，只留下对你的封禁，直到它结束。",
        "I am deleting all about you but your ban, which stays until it ends.",
    ),
    "forgotten": Text(
        "好了，关于你的一切都已删除。这个聊天里的消息在聊天软件里，请你自己删除；"
        "以前做的备份，过期后也会删除。",
        "Done: all about you is deleted. The messages here are with the chat app, where you can"
        " delete them; backups made before go when the operators delete them.",
    ),
    "machine_exported": Text(
        "已写入 {file}：{photos} 张照片。", "Written to {file}: {photos} photos."
    ),
    "machine_export_exists": Text(
        "{file} 已经存在；请换一个文件名。", "{file} exists already; name another file."
    ),
    "machine_forgotten": Text(
        "关于 {who} 的一切都已删除。以前做的备份里还有，直到它们被删除。",
        "All about {who} is deleted. Backups made before hold it until they are deleted.",
    ),
    "machine_forget_ordered": Text(
        "已记下：正在运行的程序会删除关于 {who} 的一切，也许要等它手上的回答结束。",
        "Noted: the running bot will delete all about {who}, perhaps once what it has in hand"
        " has ended.",
    ),
    "machine_forget_sure": Text(
        "要删除关于 {who} 的一切吗？无法恢复。",
        "Delete all about {who}? This cannot be undone.",
    ),
    "machine_forget_not": Text(
        "什么都没有删除；加上 --yes 就不再询问。",
        "Nothing was deleted; with --yes it is not asked.",
    ),
}
