"""Words about backups: made, looked at, put in the place of what is there."""

from __future__ import annotations

from typing import Literal

from bot.wording.text import Text

CopiesKey = Literal[
    "machine_backed_up",
    "backed_up_but_server",
    "move_no_url",
    "move_rows",
    "moved",
    "verify_photos",
    "verify_head",
    "verify_of",
    "verify_behind",
    "verify_rows",
    "verify_newest",
    "verify_files",
    "verify_gone",
    "verify_missing",
    "verify_broken",
    "verify_changed",
    "verify_state_unknown",
    "verify_end_without_time",
    "verify_accepted_twice",
    "verify_tried_too_often",
    "verify_sound",
    "verify_unsound",
    "restore_unsound",
    "restore_on_server",
    "restore_finished",
    "restore_nothing_there",
    "restore_unreadable",
    "restore_loses",
    "restore_loses_nothing",
    "restore_revoked",
    "restore_sure",
    "restore_not",
    "restore_done",
    "restore_aside",
    "restore_open",
    "restore_new_sign_in",
    "restored_letter",
]

COPIES: dict[str, Text] = {
    "machine_backed_up": Text(
        zh="已备份到 {folder}：{files} 个文件，{mb} MB。检查：visionbot admin verify {folder}；"
        "恢复：停下程序，visionbot admin restore {folder}。",
        en="Backed up to {folder}: {files} files, {mb} MB. To check it: visionbot admin verify "
        "{folder}. To restore: stop the bot, then visionbot admin restore {folder}.",
    ),
    "backed_up_but_server": Text(
        zh="照片等已备份到 {folder}：{files} 个文件，{mb} MB，不含数据库：它在 PostgreSQL 里"
        "（[storage] url）。请先备份数据库，再备份照片："
        "pg_dump --format=custom --file {folder}.dump URL",
        en="Photos and all else here are backed up to {folder}: {files} files, {mb} MB, without "
        "the database, which is in PostgreSQL ([storage] url). Back that up first, with "
        "pg_dump --format=custom --file {folder}.dump URL, and the photos after it.",
    ),
    "move_no_url": Text(
        zh="没有设置要移到哪里：请把 [storage] url 设成 PostgreSQL 的地址"
        "（VISIONBOT_STORAGE__URL 或 VISIONBOT_STORAGE__URL_FILE）。",
        en="It is not set where to: give [storage] url the address of PostgreSQL "
        "(VISIONBOT_STORAGE__URL or VISIONBOT_STORAGE__URL_FILE).",
    ),
    "move_rows": Text(zh="移动", en="Moving"),
    "moved": Text(
        zh="{rows} 行已全部移到 {place}；以后每次启动都要设置 [storage] url。{file} 原样保留，"
        "不再使用；照片仍在 {photos}。",
        en="All {rows} rows are in {place} now; from here on start the bot with that "
        "[storage] url. {file} is left as it is and used no more; photos stay in {photos}.",
    ),
    "verify_photos": Text(zh="核对照片", en="Checking photos"),
    "verify_head": Text(zh="{where}：数据库完好。", en="{where}: the database is whole."),
    "verify_of": Text(zh="备份时间：{when}。", en="Made at {when}."),
    "verify_behind": Text(
        zh="它来自较早的版本，下次启动时会自动升级。",
        en="An earlier version wrote it; the next start brings it up to date.",
    ),
    "verify_rows": Text(
        zh="消息 {inbox} 条（未完成 {open}），对话 {turns} 条，用户 {people} 位，"
        "工单 {tickets} 个。",
        en="Messages: {inbox} ({open} not done), turns: {turns}, people: {people}, tickets: "
        "{tickets}.",
    ),
    "verify_newest": Text(zh="最新一条：{when}。", en="The newest came at {when}."),
    "verify_files": Text(zh="照片 {files} 张，内容与名字相符。", en="Photos: {files}, all whole."),
    "verify_gone": Text(
        zh="另有 {count} 张已按 [retention] 到期，不再保存。",
        en="{count} more are older than [retention] photos_s and are not kept.",
    ),
    "verify_missing": Text(
        zh="✗ 缺 {count} 张照片，例如 {example}：从别的备份补上 photos 文件夹。",
        en="✗ {count} photos are missing, such as {example}: take the folder photos from another "
        "backup.",
    ),
    "verify_changed": Text(
        zh="✗ {count} 个文件与备份时写下的 SHA-256 不符，例如 {example}：请换一份备份。",
        en="✗ {count} files are not what they were when the backup was made (SHA256SUMS), such as "
        "{example}: take another backup.",
    ),
    "verify_broken": Text(
        zh="✗ {count} 张照片内容已损坏，例如 {example}：从别的备份取，或删除这些文件。",
        en="✗ {count} photos are damaged, such as {example}: take them from another backup, or "
        "delete these files.",
    ),
    "verify_state_unknown": Text(
        zh="✗ {count} 条消息处于未知状态。", en="✗ {count} messages are in no state that is known."
    ),
    "verify_end_without_time": Text(
        zh="✗ {count} 条消息已结束却没有时间。", en="✗ {count} messages have ended at no time."
    ),
    "verify_accepted_twice": Text(
        zh="✗ {count} 条消息被收了两次。", en="✗ {count} messages were accepted twice."
    ),
    "verify_tried_too_often": Text(
        zh="✗ {count} 个问题尝试的次数超过了上限。",
        en="✗ {count} questions were tried more often than they may be.",
    ),
    "verify_sound": Text(zh="一切正常。", en="All is well."),
    "verify_unsound": Text(
        zh="有问题，见上面带 ✗ 的行。", en="Something is wrong: see the lines with ✗."
    ),
    "restore_unsound": Text(
        zh="这份备份有问题，没有恢复，也没有改动任何东西。换一份，或先看：visionbot admin verify "
        "{folder}",
        en="This backup is not sound; nothing was restored or changed. Take another one, or look "
        "first: visionbot admin verify {folder}",
    ),
    "restore_on_server": Text(
        zh="数据在 PostgreSQL 里（[storage] url），请用它自己的工具恢复：停下所有 visionbot，然后 "
        "pg_restore --clean --if-exists --single-transaction --dbname URL FILE，"
        "并把备份里的 photos 放回 {photos}。",
        en="The data is in PostgreSQL ([storage] url), whose own tools restore it: stop every "
        "visionbot, then pg_restore --clean --if-exists --single-transaction --dbname URL FILE, "
        "and put the photos of the backup back into {photos}.",
    ),
    "restore_finished": Text(
        zh="上次中断的恢复现在已经完成，没有做别的。要再恢复一份，请再运行一次。",
        en="A restore that had been interrupted is finished now, and nothing else was done. To "
        "restore another backup, run this again.",
    ),
    "restore_nothing_there": Text(zh="{data} 里还没有数据。", en="There is no data in {data} yet."),
    "restore_unreadable": Text(
        zh="{data} 里的数据读不出来，所以说不出备份之后还有什么。",
        en="The data in {data} cannot be read, so nobody can say what came after the backup.",
    ),
    "restore_loses": Text(
        zh="备份（{when}）之后的内容会失去：消息 {questions} 条，新用户 {people} 位。",
        en="What came after the backup ({when}) will be lost: {questions} messages, {people} new "
        "people.",
    ),
    "restore_loses_nothing": Text(
        zh="备份（{when}）之后没有新消息。", en="No message came after the backup ({when})."
    ),
    "restore_revoked": Text(
        zh="备份之后吊销的 API 密钥会重新有效，恢复后请再吊销：{keys}。",
        en="API keys revoked since then are valid again; revoke them once more afterwards: {keys}.",
    ),
    "restore_sure": Text(
        zh="用 {folder} 替换 {data} 里的数据？原来的会保留在旁边。",
        en="Put {folder} in the place of the data in {data}? What is there stays beside it.",
    ),
    "restore_not": Text(
        zh="什么都没有改。要恢复，请加 --yes。", en="Nothing was changed. To restore, add --yes."
    ),
    "restore_done": Text(
        zh="已恢复 {when} 的备份到 {data}，现在可以启动程序。",
        en="The backup of {when} is in place in {data}; the bot can be started now.",
    ),
    "restore_aside": Text(
        zh="原来的数据在 {aside}；确认不再需要后请删除，里面有大家说过的话。",
        en="What was there is in {aside}; delete it when you are sure, for it holds what people "
        "said.",
    ),
    "restore_open": Text(
        zh="备份时还没完成的 {ended} 条消息不会再回答（可能已经答过），相关聊天会收到一条说明；"
        "当时待发的 {letters} 条通知不再发送。",
        en="{ended} messages that were not done then are not answered again, since that may have "
        "happened, and their chats are told so once; {letters} letters of then are not sent again.",
    ),
    "restore_new_sign_in": Text(
        zh="网页用户和管理页需要重新登录；之后封禁的人和删除的数据请对照记录再做一遍。",
        en="People must sign in to the page anew. Whom you banned or forgot since then, ban and "
        "forget again.",
    ),
    "restored_letter": Text(
        zh="我刚从 {when} 的备份恢复。如果你那时问的问题还没有得到回答，请再发一次。",
        en="I was restored from a backup of {when}. If a question that you asked around then has "
        "no answer yet, please send it again.",
    ),
}
