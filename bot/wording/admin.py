"""Words about access, quotas and the commands of admins."""

from __future__ import annotations

from typing import Literal

from bot.wording.text import Text

AdminKey = Literal[
    # what each command does
    "about_start",
    "about_help",
    "about_new",
    "about_stop",
    "about_usage",
    "about_quota",
    "about_allow",
    "about_ban",
    "about_unban",
    "about_role",
    "about_stats",
    "about_pause",
    "about_resume",
    "about_reload",
    "about_broadcast",
    "about_audit",
    # how they are written
    "usage_of_quota",
    "usage_of_allow",
    "usage_of_ban",
    "usage_of_unban",
    "usage_of_role",
    "usage_of_pause",
    "usage_of_broadcast",
    "usage_of_audit",
    "takes_no_words",
    # access
    "not_allowed",
    "you_are_banned",
    "ban_reason",
    "paused",
    "paused_until_with",
    "paused_with",
    # limits that are used up
    "for_today",
    "for_this_month",
    "refused_question",
    "refused_question_group",
    "refused_questions",
    "refused_questions_group",
    "refused_tokens",
    "refused_tokens_group",
    "refused_never",
    "refused_never_group",
    "refused_reserve",
    "refused_reserve_group",
    "refused_always",
    "refused_always_group",
    "refused_none",
    "refused_none_group",
    # /usage and /quota
    "unlimited_questions",
    "unlimited_tokens",
    "unit_question",
    "unit_questions",
    "unit_tokens",
    "period_day",
    "period_month",
    "usage_title",
    "usage_unlimited",
    "usage_group",
    "usage_used",
    "usage_given",
    "usage_left",
    "usage_again",
    "quota_title",
    "quota_of",
    "quota_of_none",
    "quota_of_unlimited",
    "quota_instead",
    "no_limits",
    "every_one",
    "every_group",
    "the_group",
    "quota_was_set",
    "quota_too_small",
    "quota_given",
    "quota_was_reset",
    "quota_default",
    "quota_was_default",
    # people and roles
    "role_guest",
    "role_member",
    "role_staff",
    "role_admin",
    "role_owner_name",
    "as_guest",
    "as_member",
    "as_staff",
    "as_admin",
    "as_owner",
    "role_given",
    "role_given_banned",
    "role_has",
    "role_only_owner",
    "role_in_config",
    "too_high",
    "owner_in_config",
    "roles_title",
    "roles_none",
    "banned",
    "unbanned",
    "not_banned",
    "bans_title",
    "bans_none",
    "until",
    "for_ever",
    # the program
    "pause_begun",
    "resumed",
    "was_not_paused",
    "reload_applied",
    "reload_nothing",
    "reload_restart",
    "reload_failed",
    "stats_title",
    "stats_people",
    "stats_active_today",
    "stats_active_lately",
    "stats_groups",
    "stats_banned",
    "stats_new",
    "stats_waiting",
    "stats_answered",
    "stats_failed",
    "stats_thumbs",
    "stats_questions_today",
    "stats_questions_month",
    "stats_tokens_today",
    "stats_tokens_month",
    "stats_letters",
    "stats_paused",
    "audit_title",
    "audit_none",
    # broadcasts
    "broadcast_written",
    "broadcast_send",
    "broadcast_drop",
    "broadcast_begun",
    "broadcast_cancelled",
    "broadcast_progress",
    "broadcast_done",
    "broadcast_left",
    "broadcast_is_draft",
    "broadcast_was_cancelled",
    "broadcast_none",
    "broadcast_unknown",
    "broadcast_not_draft",
    # words that mean nothing
    "name_malformed",
    "name_no_platform",
    "name_platform",
    "name_telegram",
    "name_nobody",
    "name_matrix",
    "name_is_a_group",
    "name_is_a_person",
    "who_missing",
    "nobody_here",
    "no_group_here",
    "role_missing",
    "role_unknown",
    "role_owner",
    "role_owner_unlimited",
    "too_many_words",
    "quota_verb",
    "quota_amount",
    "quota_amount_range",
    "quota_no_unit",
    "quota_unit",
    "quota_no_period",
    "quota_period",
    "quota_no_limit",
    "quota_no_amount",
    "quota_gift_of_nothing",
    "duration",
    "duration_range",
    "audit_number",
    "broadcast_empty",
    "broadcast_number",
    "broadcast_too_long",
    "misread",
    # the machine
    # visionbot admin keys
    "key_name",
    "key_made",
    "key_unknown",
    "key_revoked",
    "key_was_revoked",
    "keys_none",
    "picture_listed",
    "pictures_title",
    "pictures_none",
    "pictures_full",
    "picture_unlisted",
    "picture_allowed",
    "picture_no_file",
    "keys_title",
    "key_made_on",
    "key_used_on",
    "key_never_used",
    "key_revoked_on",
    "key_per_minute",
    "key_unlimited",
    "machine_misread",
    "machine_not_running",
    "machine_told",
]

ADMIN: dict[str, Text] = {
    "about_start": Text(zh="我能做什么", en="what I can do"),
    "about_help": Text(
        zh="这份说明；/help 加命令名，看它怎么写",
        en="this list; /help and a command's name shows how to write it",
    ),
    "about_new": Text(
        zh="开始新话题，忘掉前面的照片和对话",
        en="begin a new topic and leave earlier photos and words behind",
    ),
    "about_stop": Text(zh="停止正在写的回答", en="end the answer that is being written"),
    "about_usage": Text(zh="我用了多少，还剩多少", en="what I have used and what is left"),
    "about_quota": Text(zh="查看或修改额度", en="show or change limits"),
    "about_allow": Text(zh="让某人成为成员", en="make somebody a member"),
    "about_ban": Text(zh="禁止某人使用", en="shut somebody out"),
    "about_unban": Text(zh="解除禁止", en="let somebody in again"),
    "about_role": Text(zh="查看或修改角色", en="show or change roles"),
    "about_stats": Text(zh="统计数字", en="how much is going on"),
    "about_pause": Text(zh="暂停接收问题", en="take no questions for a while"),
    "about_resume": Text(zh="恢复接收问题", en="take questions again"),
    "about_reload": Text(zh="重新读取 config.toml", en="read config.toml again"),
    "about_broadcast": Text(zh="给所有聊天发消息", en="send a message to every chat"),
    "about_audit": Text(zh="谁改过什么", en="who changed what"),
    "usage_of_quota": Text(
        zh="/quota [谁] [set 额度 | set default | give 数量 | reset]\n"
        "谁：数字 id、平台:id、role:guest、group（本群）、groups（所有群），或回复那个人的消息\n"
        "例：/quota 12345 set 50 个问题/天\n"
        "例：/quota role:guest set 20000 token/月\n"
        "例：/quota 12345 set 不限 问题/天\n"
        "例：/quota group give 20 个问题\n"
        "例：/quota 12345 reset",
        en="/quota [who] [set LIMIT | set default | give AMOUNT | reset]\n"
        "who: a numeric id, platform:id, role:guest, group (this one), groups (all of them), "
        "or reply to that person's message\n"
        "Example: /quota 12345 set 50 questions/day\n"
        "Example: /quota role:guest set 20000 tokens/month\n"
        "Example: /quota 12345 set unlimited questions/day\n"
        "Example: /quota group give 20 questions\n"
        "Example: /quota 12345 reset",
    ),
    "usage_of_allow": Text(
        zh="/allow 谁（数字 id、平台:id，或回复那个人的消息）\n例：/allow 12345",
        en="/allow WHO (a numeric id, platform:id, or reply to that person's message)\n"
        "Example: /allow 12345",
    ),
    "usage_of_ban": Text(
        zh="/ban 谁 [多久] [原因]；后面什么都不写：列出被禁止的人\n"
        "例：/ban 12345 3d 广告\n"
        "例：/ban 12345 2小时\n"
        "例：/ban 12345 forever",
        en="/ban WHO [how long] [reason]; nothing after it: lists those who are banned\n"
        "Example: /ban 12345 3d spam\n"
        "Example: /ban 12345 2h\n"
        "Example: /ban 12345 forever",
    ),
    "usage_of_unban": Text(
        zh="/unban 谁\n例：/unban 12345",
        en="/unban WHO\nExample: /unban 12345",
    ),
    "usage_of_role": Text(
        zh="/role 谁 角色；后面什么都不写：列出所有角色\n"
        "角色：guest（访客）、member（成员）、staff（客服）、admin（管理员）\n"
        "例：/role 12345 staff",
        en="/role WHO ROLE; nothing after it: lists all roles\n"
        "ROLE: guest, member, staff, admin\n"
        "Example: /role 12345 staff",
    ),
    "usage_of_pause": Text(
        zh="/pause [多久] [给大家看的话]；只写数字是分钟\n例：/pause 30 正在维护\n例：/pause 2h",
        en="/pause [how long] [words for people]; a number alone means minutes\n"
        "Example: /pause 30 Maintenance\n"
        "Example: /pause 2h",
    ),
    "usage_of_broadcast": Text(
        zh="/broadcast 文字，然后确认\n"
        "/broadcast confirm 编号\n"
        "/broadcast cancel 编号\n"
        "/broadcast status [编号]\n"
        "例：/broadcast 今晚 22 点维护",
        en="/broadcast TEXT, and then confirm it\n"
        "/broadcast confirm NUMBER\n"
        "/broadcast cancel NUMBER\n"
        "/broadcast status [NUMBER]\n"
        "Example: /broadcast Maintenance tonight at 22:00",
    ),
    "usage_of_audit": Text(
        zh="/audit [几行]\n例：/audit 20",
        en="/audit [how many]\nExample: /audit 20",
    ),
    "takes_no_words": Text(
        zh="/{command} 后面不用写别的。", en="/{command} takes nothing after it."
    ),
    "not_allowed": Text(
        zh="你还不能使用这个机器人。请联系管理员，你的 id 是 {id}。",
        en="You may not use this bot yet. Please ask an administrator; your id is {id}.",
    ),
    "you_are_banned": Text(
        zh="你被禁止使用这个机器人（{when}）。{reason}有疑问请联系管理员。",
        en="You may not use this bot {when}. {reason}An administrator can tell you more.",
    ),
    "ban_reason": Text(zh="原因：{reason}。", en="Reason: {reason}. "),
    "paused": Text(
        zh="现在暂停回答问题（{when}）。请稍后再问。",
        en="No questions are taken {when}. Please ask again later.",
    ),
    "paused_until_with": Text(zh="暂停到 {when}：{text}", en="Paused until {when}: {text}"),
    "paused_with": Text(zh="暂停中：{text}", en="Paused for now: {text}"),
    "for_today": Text(zh="今天", en="today"),
    "for_this_month": Text(zh="本月", en="this month"),
    "refused_question": Text(
        zh="你{period}的 {limit} 个问题已经用完。{when} 恢复（约 {hours} 小时后）。"
        "需要更多请联系管理员。",
        en="Your {limit} question for {period} is used. There is room again on {when} (in about "
        "{hours} h); an administrator can raise the limit.",
    ),
    "refused_question_group": Text(
        zh="这个群{period}的 {limit} 个问题已经用完。{when} 恢复（约 {hours} 小时后）。"
        "需要更多请联系管理员。",
        en="This group's {limit} question for {period} is used. There is room again on {when} (in "
        "about {hours} h); an administrator can raise the limit.",
    ),
    "refused_questions": Text(
        zh="你{period}的 {limit} 个问题已经用完。{when} 恢复（约 {hours} 小时后）。"
        "需要更多请联系管理员。",
        en="Your {limit} questions for {period} are used. There is room again on {when} (in "
        "about {hours} h); an administrator can raise the limit.",
    ),
    "refused_questions_group": Text(
        zh="这个群{period}的 {limit} 个问题已经用完。{when} 恢复（约 {hours} 小时后）。"
        "需要更多请联系管理员。",
        en="This group's {limit} questions for {period} are used. There is room again on {when} "
        "(in about {hours} h); an administrator can raise the limit.",
    ),
    "refused_tokens": Text(
        zh="这个问题最多可能用 {wanted} 个 token，你{period}的 {limit} 个还剩 {left} 个，不够用。"
        "{when} 恢复（约 {hours} "
        "小时后）。可以少发照片、缩短问题，或请管理员提高额度。",
        en="This question may take up to {wanted} tokens, and of your {limit} for {period} "
        "{left} are left. There is room again on {when} (in about {hours} h). Fewer photos "
        "or words may fit; an administrator can raise the limit.",
    ),
    "refused_never": Text(
        zh="这个问题最多可能用 {wanted} 个 token，你{period}一共只有 {limit} 个，等也不够用。"
        "可以少发照片、缩短问题或回答，或请管理员提高额度。",
        en="This question may take up to {wanted} tokens, and your limit for {period} is {limit}, "
        "so waiting does not help. Fewer photos or words, or a shorter answer, may fit; an "
        "administrator can raise the limit.",
    ),
    "refused_never_group": Text(
        zh="这个问题最多可能用 {wanted} 个 token，这个群{period}一共只有 {limit} 个，等也不够用。"
        "可以少发照片、缩短问题或回答，或请管理员提高额度。",
        en="This question may take up to {wanted} tokens, and this group's limit for {period} is "
        "{limit}, so waiting does not help. Fewer photos or words, or a shorter answer, may fit; "
        "an administrator can raise the limit.",
    ),
    "refused_tokens_group": Text(
        zh="这个问题最多可能用 {wanted} 个 token，这个群{period}的 {limit} 个还剩 {left} 个，"
        "不够用。{when} 恢复（约 "
        "{hours} 小时后）。可以少发照片、缩短问题，或请管理员提高额度。",
        en="This question may take up to {wanted} tokens, and of this group's {limit} for "
        "{period} {left} are left. There is room again on {when} (in about {hours} h). Fewer "
        "photos or words may fit; an administrator can raise the limit.",
    ),
    "refused_reserve": Text(
        zh="每个问题先预留 {wanted} 个 token，你{period}的 {limit} 个还剩 {left} 个，不够用。"
        "{when} 恢复（约 {hours} 小时后）。需要更多请联系管理员。",
        en="Each question reserves {wanted} tokens, and of your {limit} for {period} {left} are "
        "left. There is room again on {when} (in about {hours} h); an administrator can raise "
        "the limit.",
    ),
    "refused_reserve_group": Text(
        zh="每个问题先预留 {wanted} 个 token，这个群{period}的 {limit} 个还剩 {left} 个，不够用。"
        "{when} 恢复（约 {hours} 小时后）。需要更多请联系管理员。",
        en="Each question reserves {wanted} tokens, and of this group's {limit} for {period} "
        "{left} are left. There is room again on {when} (in about {hours} h); an administrator "
        "can raise the limit.",
    ),
    "refused_always": Text(
        zh="每个问题先预留 {wanted} 个 token，你{period}一共只有 {limit} 个，所以现在不能提问。"
        "请联系管理员提高额度。",
        en="Each question reserves {wanted} tokens, and your limit for {period} is {limit}, so "
        "no question fits. An administrator can raise it.",
    ),
    "refused_always_group": Text(
        zh="每个问题先预留 {wanted} 个 token，这个群{period}一共只有 {limit} 个，所以现在不能提问。"
        "请联系管理员提高额度。",
        en="Each question reserves {wanted} tokens, and this group's limit for {period} is "
        "{limit}, so no question fits. An administrator can raise it.",
    ),
    "refused_none": Text(
        zh="你的提问额度是 {limit}，现在不能提问。请联系管理员。",
        en="Your limit is {limit}, so you cannot ask now. An administrator can raise it.",
    ),
    "refused_none_group": Text(
        zh="这个群的提问额度是 {limit}，现在不能提问。请联系管理员。",
        en="This group's limit is {limit}, so nobody can ask here now. An administrator can "
        "raise it.",
    ),
    "unlimited_questions": Text(zh="不限 问题", en="unlimited questions"),
    "unlimited_tokens": Text(zh="不限 token", en="unlimited tokens"),
    "unit_question": Text(zh="个问题", en="question"),
    "unit_questions": Text(zh="个问题", en="questions"),
    "unit_tokens": Text(zh="个 token", en="tokens"),
    "period_day": Text(zh="天", en="day"),
    "period_month": Text(zh="月", en="month"),
    "usage_title": Text(zh="你的额度：", en="Your limits:"),
    "usage_unlimited": Text(
        zh="你没有额度限制。本月用了 {questions}、{tokens}。",
        en="You have no limits. Used this month: {questions}, {tokens}.",
    ),
    "usage_group": Text(zh="本群：{limit}", en="this group: {limit}"),
    "usage_used": Text(zh="已用 {used}/{allowed}", en="used {used} of {allowed}"),
    "usage_given": Text(zh="（含赠送 {given}）", en=" ({given} given)"),
    "usage_left": Text(zh="还剩 {left}", en="{left} left"),
    "usage_again": Text(zh="{when} 恢复", en="full again on {when}"),
    "quota_title": Text(zh="额度：", en="Limits:"),
    "quota_of": Text(zh="{who} 的额度：", en="Limits of {who}:"),
    "quota_of_none": Text(zh="{who} 没有额度限制。", en="{who}: no limits."),
    "quota_of_unlimited": Text(
        zh="{who} 没有额度限制。本月用了 {questions}、{tokens}。",
        en="{who}: no limits. Used this month: {questions}, {tokens}.",
    ),
    "quota_instead": Text(
        zh="/quota（代替 config.toml：{configured}）",
        en="/quota (instead of config.toml: {configured})",
    ),
    "no_limits": Text(zh="不限", en="no limits"),
    "every_one": Text(zh="每位{role}", en="the role {role}"),
    "every_group": Text(zh="每个群", en="every group"),
    "the_group": Text(zh="群 {name}", en="group {name}"),
    "quota_was_set": Text(zh="{who} 的额度现在是 {limit}。", en="{who} now has {limit}."),
    "quota_too_small": Text(
        zh="注意：{amount} 个 token 不够问一个问题，每个问题先预留 {reserved} 个。"
        "请设为至少 {reserved}，或调小 config.toml 里的 [answers] max_tokens 或 "
        "[window] max_tokens。",
        en="Note: {amount} tokens are too few for any question, since each reserves {reserved}. "
        "Set at least {reserved}, or lower [answers] max_tokens or [window] max_tokens in "
        "config.toml.",
    ),
    "quota_given": Text(
        zh="{who} 本期多得 {given}，今天和本月都算。",
        en="{who} got {given} more, for today and this month.",
    ),
    "quota_was_reset": Text(
        zh="{who} 的用量已清零，从现在重新计算。",
        en="What {who} used so far does not count any more.",
    ),
    "quota_default": Text(
        zh="{who} 的额度已恢复为 config.toml 里的设置。",
        en="{who} has the limits of config.toml again.",
    ),
    "quota_was_default": Text(
        zh="{who} 的额度本来就是 config.toml 里的设置。",
        en="{who} had the limits of config.toml already.",
    ),
    "role_guest": Text(zh="访客", en="guest"),
    "role_member": Text(zh="成员", en="member"),
    "role_staff": Text(zh="客服人员", en="staff"),
    "role_admin": Text(zh="管理员", en="admin"),
    "role_owner_name": Text(zh="所有者", en="owner"),
    "as_guest": Text(zh="访客", en="a guest"),
    "as_member": Text(zh="成员", en="a member"),
    "as_staff": Text(zh="客服人员", en="staff"),
    "as_admin": Text(zh="管理员", en="an admin"),
    "as_owner": Text(zh="所有者", en="an owner"),
    "role_given": Text(zh="{who} 现在是{role}。", en="{who} is now {role}."),
    "role_given_banned": Text(
        zh="{who} 现在是{role}，但仍被禁止使用；用 /unban 解除。",
        en="{who} is now {role}, but still banned; /unban ends that.",
    ),
    "role_has": Text(zh="{who} 已经是{role}。", en="{who} is already {role}."),
    "role_only_owner": Text(
        zh="只有所有者能任命管理员。", en="Only an owner can make somebody an admin."
    ),
    "role_in_config": Text(
        zh="config.toml 规定 {who} 是{role}，不能再低。请从 [access] 里去掉这个人，然后 /reload。",
        en="config.toml makes {who} {role}, and no less. Take the entry out of [access] and "
        "/reload.",
    ),
    "too_high": Text(
        zh="{who} 是{role}，你不能改变。请找所有者。",
        en="{who} is {role}, which you cannot change. Please ask an owner.",
    ),
    "owner_in_config": Text(
        zh="{who} 是所有者，命令不能改变。所有者写在 config.toml 的 [access] owners 里，请改那里，"
        "然后 /reload。",
        en="{who} is an owner, which no command changes. Owners stand in config.toml, [access] "
        "owners: change that and /reload.",
    ),
    "roles_title": Text(zh="有角色的人：", en="Everybody above a guest:"),
    "roles_none": Text(zh="还没有人有角色。", en="Nobody has a role yet."),
    "banned": Text(
        zh="已禁止 {who} 使用（{when}）。用 /unban 解除。",
        en="{who} is banned {when}. /unban ends that.",
    ),
    "unbanned": Text(zh="{who} 又可以使用了。", en="{who} may use the bot again."),
    "not_banned": Text(zh="{who} 没有被禁止。", en="{who} is not banned."),
    "bans_title": Text(zh="被禁止的人：", en="Those who are banned:"),
    "bans_none": Text(zh="没有人被禁止。", en="Nobody is banned."),
    "until": Text(zh="直到 {when}", en="until {when}"),
    "for_ever": Text(zh="没有期限", en="until further notice"),
    "pause_begun": Text(
        zh="已暂停接收问题（{when}）。用 /resume 恢复。",
        en="No questions are taken {when}. /resume ends that.",
    ),
    "resumed": Text(zh="又开始接收问题了。", en="Questions are taken again."),
    "was_not_paused": Text(zh="本来就没有暂停。", en="It was not paused."),
    "reload_applied": Text(
        zh="已重新读取 config.toml。有变化的部分：{sections}",
        en="config.toml was read again. Changed: {sections}",
    ),
    "reload_nothing": Text(
        zh="已重新读取 config.toml，没有可以立即生效的变化。",
        en="config.toml was read again. Nothing that can change now has changed.",
    ),
    "reload_restart": Text(
        zh="重启后才生效：{sections}",
        en="Changed, but only a restart brings it: {sections}",
    ),
    "reload_failed": Text(
        zh="config.toml 有错，什么都没有改变：{fault}",
        en="config.toml has a fault, and nothing was changed: {fault}",
    ),
    "stats_title": Text(zh="统计：", en="Statistics:"),
    "stats_people": Text(zh="认识的人", en="people known"),
    "stats_active_today": Text(zh="24 小时内来过", en="here within 24 h"),
    "stats_active_lately": Text(zh="30 天内来过", en="here within 30 days"),
    "stats_groups": Text(zh="群", en="groups"),
    "stats_banned": Text(zh="被禁止的人", en="banned"),
    "stats_new": Text(zh="还没处理的消息", en="messages not looked at"),
    "stats_waiting": Text(zh="等待回答的问题", en="questions waiting"),
    "stats_answered": Text(zh="24 小时内答完", en="answered within 24 h"),
    "stats_failed": Text(zh="24 小时内没答成", en="failed within 24 h"),
    "stats_thumbs": Text(zh="30 天内的评价", en="thumbs within 30 days"),
    "stats_questions_today": Text(zh="今天的问题", en="questions today"),
    "stats_questions_month": Text(zh="本月的问题", en="questions this month"),
    "stats_tokens_today": Text(zh="今天的 token", en="tokens today"),
    "stats_tokens_month": Text(zh="本月的 token", en="tokens this month"),
    "stats_letters": Text(zh="等待发出的消息", en="messages to be sent"),
    "stats_paused": Text(zh="暂停", en="paused"),
    "audit_title": Text(zh="最近的操作，新的在前：", en="Newest first:"),
    "audit_none": Text(zh="还没有记录。", en="Nothing has been written down yet."),
    "broadcast_written": Text(
        zh="第 {number} 号群发已写好，将发给 {chats} 个聊天。"
        "发送 /broadcast confirm {number} 确认，或 /broadcast cancel {number} 取消。",
        en="Broadcast {number} is written and would go to {chats} chats. /broadcast confirm "
        "{number} sends it, /broadcast cancel {number} drops it.",
    ),
    "broadcast_send": Text(zh="发送", en="Send it"),
    "broadcast_drop": Text(zh="取消", en="Drop it"),
    "broadcast_begun": Text(
        zh="第 {number} 号群发开始了，共 {chats} 个聊天。用 /broadcast status {number} 看进度，"
        "发完会通知你。",
        en="Broadcast {number} goes out to {chats} chats. /broadcast status {number} shows how "
        "far it is; you are told when it is done.",
    ),
    "broadcast_cancelled": Text(
        zh="第 {number} 号群发已取消。", en="Broadcast {number} is dropped."
    ),
    "broadcast_progress": Text(
        zh="第 {number} 号群发：共 {chats} 个聊天，已发 {sent}，等待 {waiting}，不确定 {unclear}，"
        "失败 {failed}。",
        en="Broadcast {number} to {chats} chats: {sent} sent, {waiting} waiting, {unclear} "
        "unclear, {failed} failed.",
    ),
    "broadcast_done": Text(
        zh="第 {number} 号群发完成：共 {chats} 个聊天，已发 {sent}，不确定 {unclear}，"
        "失败 {failed}。",
        en="Broadcast {number} to {chats} chats is done: {sent} sent, {unclear} unclear, "
        "{failed} failed.",
    ),
    "broadcast_left": Text(
        zh="另有 {left} 个聊天的平台没有开启，没有发。",
        en=" Left out, since their platform is off: {left}.",
    ),
    "broadcast_is_draft": Text(
        zh="第 {number} 号群发还没有确认。发送 /broadcast confirm {number} 确认。",
        en="Broadcast {number} is not confirmed. /broadcast confirm {number} sends it.",
    ),
    "broadcast_was_cancelled": Text(
        zh="第 {number} 号群发已取消。", en="Broadcast {number} was dropped."
    ),
    "broadcast_none": Text(
        zh="还没有群发过，或没有这个编号。",
        en="There is no broadcast, or none with this number.",
    ),
    "broadcast_unknown": Text(
        zh="没有第 {number} 号群发。用 /broadcast status 看最近一次。",
        en="There is no broadcast {number}. /broadcast status shows the newest.",
    ),
    "broadcast_not_draft": Text(
        zh="第 {number} 号群发已经发出或取消。用 /broadcast status {number} 查看。",
        en="Broadcast {number} is out or dropped already. See /broadcast status {number}.",
    ),
    "name_malformed": Text(
        zh="“{given}”不是 id。请写数字 id，或“平台:id”，例如 telegram:12345。",
        en="'{given}' is no id; write a numeric id or 'platform:id', such as telegram:12345",
    ),
    "name_no_platform": Text(
        zh="“{given}”没有写平台。请写“平台:id”，例如 telegram:12345。",
        en="'{given}' names no platform; write 'platform:id', such as telegram:12345",
    ),
    "name_platform": Text(
        zh="没有平台“{given}”。是不是 {known}？",
        en="there is no platform '{given}'; did you mean {known}?",
    ),
    "name_telegram": Text(
        zh="“{given}”不是 Telegram 的数字 id。用户名会变，不能用；请写数字 id，或回复那个人的消息。"
        "",
        en="'{given}' is no id of Telegram; names can change, so write the number, or reply to "
        "that person's message",
    ),
    "name_nobody": Text(
        zh="{given} 是 Telegram 替别人说话的账号（匿名管理员、频道），不是一个人。"
        "请写这个人自己的数字 id。",
        en="{given} is an account with which Telegram speaks for others (anonymous "
        "administrators, channels); write the person's own number",
    ),
    "name_matrix": Text(
        zh="“{given}”不是 Matrix 的 id。人写成 @ann:example.org，房间写成 !room:example.org。",
        en="'{given}' is no id of Matrix; people are @ann:example.org, rooms are !room:example.org",
    ),
    "name_is_a_group": Text(
        zh="“{given}”是群，不是人。请写一个人的 id。",
        en="'{given}' is a group; write a person's id",
    ),
    "name_is_a_person": Text(
        zh="“{given}”是人，不是群。请写群的 id。",
        en="'{given}' is a person; write a group's id",
    ),
    "who_missing": Text(
        zh="没有写是谁。请写数字 id 或“平台:id”，或回复那个人的消息。",
        en="it does not say who; write a numeric id or 'platform:id', or reply to that person's "
        "message",
    ),
    "nobody_here": Text(
        zh="在这里没有“我”。请写“平台:id”。", en="there is no 'me' here; write 'platform:id'"
    ),
    "no_group_here": Text(
        zh="这里不是群。请写群的 id，例如 group:telegram:-10012345。",
        en="this is no group; write its id, such as group:telegram:-10012345",
    ),
    "role_missing": Text(
        zh="没有写角色。可以是 guest、member、staff 或 admin。",
        en="it does not say which role; write guest, member, staff or admin",
    ),
    "role_unknown": Text(
        zh="没有角色“{given}”。是不是 {known}？",
        en="there is no role '{given}'; did you mean {known}?",
    ),
    "role_owner": Text(
        zh="所有者只能写在 config.toml 的 [access] owners 里。",
        en="owners stand in config.toml alone, in [access] owners",
    ),
    "role_owner_unlimited": Text(
        zh="所有者没有额度限制，不用设置。",
        en="owners have no limits, so there is nothing to change",
    ),
    "too_many_words": Text(
        zh="多出来的“{given}”看不懂。请去掉。", en="'{given}' is too much; leave it out"
    ),
    "quota_verb": Text(
        zh="看不懂“{given}”。是不是 {known}？",
        en="'{given}' means nothing here; did you mean {known}?",
    ),
    "quota_amount": Text(
        zh="“{given}”开头不是数字。请写成 50 个问题/天。",
        en="'{given}' does not begin with a number; write it as in 50 questions/day",
    ),
    "quota_amount_range": Text(
        zh="数量 {given} 不行。请写 0 到 {limit} 的整数。",
        en="the number {given} does not work; write a whole one from 0 to {limit}",
    ),
    "quota_no_unit": Text(
        zh="“{given}”没有写单位。请写“问题”或 token，例如 50 个问题/天。",
        en="'{given}' has no unit; write questions or tokens, as in 50 questions/day",
    ),
    "quota_unit": Text(
        zh="没有单位“{given}”。是不是 {known}？",
        en="there is no unit '{given}'; did you mean {known}?",
    ),
    "quota_no_period": Text(
        zh="“{given}”没有写时间。请加上 /天 或 /月。",
        en="'{given}' does not say for how long; add /day or /month",
    ),
    "quota_period": Text(
        zh="没有时间单位“{given}”。是不是 {known}？",
        en="there is no period '{given}'; did you mean {known}?",
    ),
    "quota_no_limit": Text(
        zh="set 后面没有额度。请写成 set 50 个问题/天，或 set default。",
        en="set needs a limit; write it as in set 50 questions/day, or set default",
    ),
    "quota_no_amount": Text(
        zh="give 后面没有数量。请写成 give 20 个问题。",
        en="give needs an amount; write it as in give 20 questions",
    ),
    "quota_gift_of_nothing": Text(
        zh="“{given}”不能赠送。请写一个大于 0 的数。",
        en="'{given}' cannot be given; write a number above 0",
    ),
    "duration": Text(
        zh="“{given}”不是时长。请写成 30m、2h、3d、1w 或 forever。",
        en="'{given}' is no duration; write it as in 30m, 2h, 3d, 1w or forever",
    ),
    "duration_range": Text(
        zh="时长“{given}”不行。请写 1 分钟到 10 年，或 forever。",
        en="the duration '{given}' does not work; write 1 minute to 10 years, or forever",
    ),
    "audit_number": Text(
        zh="“{given}”不是 1 到 {limit} 的数，请写这样一个数。",
        en="'{given}' must be a number from 1 to {limit}",
    ),
    "broadcast_empty": Text(zh="没有写要发什么。", en="it does not say what to send"),
    "broadcast_number": Text(
        zh="“{given}”没有写编号。例如 confirm 3。",
        en="'{given}' has no number; write it as in confirm 3",
    ),
    "broadcast_too_long": Text(
        zh="文字有 {given} 个字符，最多 {limit} 个。请缩短。",
        en="the text has {given} characters, at most {limit} work; please shorten it",
    ),
    "misread": Text(
        zh="看不懂：{fault}\n\n{usage}",
        en="That does not work: {fault}\n\n{usage}",
    ),
    "key_name": Text(
        zh="密钥的名字要有 1 到 {limit} 个看得见的字符，而不是“{given}”。",
        en="a key's name has 1 to {limit} visible characters, unlike '{given}'",
    ),
    "key_made": Text(
        zh="{who} 的密钥已生成。密钥只在下面显示这一次，请妥善保存：",
        en="The key for {who} is made. It is shown this once; keep it safe:",
    ),
    "key_unknown": Text(
        zh="没有密钥“{given}”。visionbot admin keys list 会列出全部密钥。",
        en="There is no key '{given}'; visionbot admin keys list shows all.",
    ),
    "key_revoked": Text(
        zh="{who} 的密钥已收回，立即失效。",
        en="The key of {who} is revoked and opens nothing from now on.",
    ),
    "key_was_revoked": Text(
        zh="{who} 的密钥早已收回。",
        en="The key of {who} was revoked before.",
    ),
    "picture_listed": Text(
        zh="图片已列为第 {number} 号。同样的图片不再回答；看起来一样的会请工作人员看。",
        en="The picture is number {number} of those that are blocked. Nobody gets an answer about"
        " it; what looks the same is shown to staff.",
    ),
    "pictures_title": Text(zh="已屏蔽的图片：", en="Blocked pictures:"),
    "pictures_none": Text(
        zh="还没有屏蔽任何图片。visionbot admin pictures block 文件 可以屏蔽一张。",
        en="No picture is blocked; visionbot admin pictures block FILE blocks one.",
    ),
    "pictures_full": Text(
        zh="最多屏蔽 {limit} 张图片，已经满了。请先用 visionbot admin pictures allow 放行一张。",
        en="{limit} pictures are blocked, which is the most there can be; first take one out with"
        " visionbot admin pictures allow.",
    ),
    "picture_unlisted": Text(
        zh="没有第 {number} 号图片。visionbot admin pictures list 会列出全部。",
        en="There is no picture {number}; visionbot admin pictures list shows all.",
    ),
    "picture_allowed": Text(
        zh="第 {number} 号图片不再屏蔽。", en="Picture {number} is not blocked any more."
    ),
    "picture_no_file": Text(
        zh="读不了 {file}（{reason}），请检查路径和权限。",
        en="{file} cannot be read ({reason}); check path and rights",
    ),
    "keys_none": Text(
        zh="还没有密钥。visionbot admin keys create 名字 可以生成一个。",
        en="There are no keys yet; visionbot admin keys create NAME makes one.",
    ),
    "keys_title": Text(zh="API 密钥：", en="Keys of the API:"),
    "key_made_on": Text(zh="{when} 生成", en="made {when}"),
    "key_used_on": Text(zh="约 {when} 用过", en="last used about {when}"),
    "key_never_used": Text(zh="还没用过", en="not used yet"),
    "key_revoked_on": Text(zh="{when} 收回", en="revoked {when}"),
    "key_per_minute": Text(zh="每分钟 {amount} 次", en="{amount} requests/minute"),
    "key_unlimited": Text(zh="不限", en="unlimited"),
    "machine_misread": Text(
        zh="{fault}用法见 visionbot admin {command} --help",
        en="{fault}; see visionbot admin {command} --help",
    ),
    "machine_not_running": Text(
        zh="没有正在运行的 visionbot；新设置会在下次启动时生效。",
        en="No visionbot is running; the settings count from its next start.",
    ),
    "machine_told": Text(
        zh="已通知进程 {process} 重新读取 config.toml；结果写在它的日志里。",
        en="Process {process} was told to read config.toml again; its log says what changed.",
    ),
}
