"""Content safety: what people are told of what was blocked, and what staff see of it."""

from __future__ import annotations

from typing import Literal

from bot.wording.text import Text

SafetyKey = Literal[
    # what people read
    "question_blocked",
    "picture_blocked",
    "answer_blocked",
    "not_checked",
    "how_to_appeal",
    "strikes_told",
    "strikes_reason",
    "ban_appeal",
    "appeal_taken",
    "appeal_again",
    "appeal_nothing",
    "appeal_decided",
    "case_approved",
    "case_rejected",
    "case_ban_lifted",
    "case_words",
    # commands
    "about_appeal",
    "about_cases",
    "about_case",
    "about_approve",
    "about_reject",
    "usage_of_appeal",
    "usage_of_cases",
    "usage_of_case",
    "usage_of_approve",
    "usage_of_reject",
    "case_number",
    "case_step",
    # what staff read
    "cases_open",
    "cases_all",
    "cases_none",
    "cases_more",
    "case_none",
    "case_title",
    "case_blocked_letter",
    "case_appeal_letter",
    "case_strikes_letter",
    "cases_wait_letter",
    "case_what_block",
    "case_what_review",
    "case_in_question",
    "case_in_picture",
    "case_in_answer",
    "case_state_open",
    "case_state_approved",
    "case_state_rejected",
    "case_is_appealed",
    "case_label_at",
    "case_label_who",
    "case_label_category",
    "case_label_detector",
    "case_label_excerpt",
    "case_label_state",
    "case_label_appeal",
    "case_label_decided",
    "case_label_picture",
    "case_label_request",
    "case_photo_below",
    "approve_button",
    "reject_button",
    "show_case_button",
    "approved_told",
    "approved_untold",
    "rejected_told",
    "rejected_untold",
    "decided_already",
    "case_of_the_api",
    "case_without_picture",
    "case_picture_blocked",
    "case_picture_no_room",
    "strikes_audit",
    "strikes_audit_nothing",
    "case_ban_reason",
]

SAFETY: dict[str, Text] = {
    "question_blocked": Text(
        "这个问题里有不允许的内容，所以没有回答。请换一种说法。",
        "This question has content that is not allowed here, so it was not answered. Please word"
        " it otherwise.",
    ),
    "picture_blocked": Text(
        "这张照片里有不允许的内容，所以没有回答。请换一张照片。",
        "This photo has content that is not allowed here, so it was not answered. Please send"
        " another one.",
    ),
    "answer_blocked": Text(
        "回答里出现了不允许的内容，已经收回。请换一种问法。",
        "The answer came to have content that is not allowed here, and was taken back. Please ask"
        " in another way.",
    ),
    "not_checked": Text(
        "现在没法检查内容，所以没有回答。请过一会儿再试。",
        "This cannot be checked at the moment, so it was not answered. Please try again later.",
    ),
    "how_to_appeal": Text(
        "编号 {case}。如果认为弄错了，请发送 /appeal 并写上理由，工作人员会看。",
        "This is case {case}. If you think it is a mistake, send /appeal and say why; staff will"
        " look at it.",
    ),
    "strikes_told": Text(
        "你的内容短时间内被拦下 {count} 次，所以暂时不能使用（{when}）。"
        "如果认为弄错了，请发送 /appeal 并写上理由。",
        "{count} of your messages were blocked within a short time, so you may not use this bot"
        " {when}. If you think it is a mistake, send /appeal and say why.",
    ),
    "strikes_reason": Text("内容多次被拦下", "several messages were blocked"),
    "ban_appeal": Text(
        "如果认为弄错了，请发送 /appeal 并写上理由。",
        "If you think it is a mistake, send /appeal and say why.",
    ),
    "appeal_taken": Text(
        "已经转给工作人员（编号 {case}），结果会在这里告诉你。",
        "Staff have it now, as case {case}. You will read here what they decide.",
    ),
    "appeal_again": Text(
        "编号 {case} 已经申诉过了，请等工作人员答复。",
        "You have appealed in case {case} already. Please wait for what staff decide.",
    ),
    "appeal_nothing": Text(
        "这个聊天里没有被拦下的内容可以申诉。",
        "Nothing of yours was blocked in this chat that you could appeal against.",
    ),
    "appeal_decided": Text(
        "编号 {case} 工作人员已经看过：{state}。",
        "Staff have looked at case {case} already: {state}.",
    ),
    "case_approved": Text(
        "工作人员看过了编号 {case}：可以。请把同样的内容再发一次，这次会回答。",
        "Staff looked at case {case}: it is all right. Send the very same again, and it will be"
        " answered.",
    ),
    "case_rejected": Text(
        "工作人员看过了编号 {case}：维持原来的决定。",
        "Staff looked at case {case}: the decision stands.",
    ),
    "case_ban_lifted": Text("你又可以使用了。", "You may use this bot again."),
    "case_words": Text("工作人员说：{words}", "Staff say: {words}"),
    "about_appeal": Text("对被拦下的内容申诉", "say that something was blocked by mistake"),
    "about_cases": Text("列出被拦下或待查看的内容", "list what was blocked or wants looking at"),
    "about_case": Text("看一个案件，或处理它的人和照片", "show a case, or deal with its person"),
    "about_approve": Text("放行一个案件", "let a case through"),
    "about_reject": Text("维持对一个案件的决定", "let the decision in a case stand"),
    "usage_of_appeal": Text(
        "/appeal 理由：申诉你在这个聊天里最近被拦下的内容\n例：/appeal 这是药品说明书上的照片",
        "/appeal WHY: about the newest message of yours that was blocked in this chat\n"
        "Example: /appeal this is a photo of a medicine's leaflet",
    ),
    "usage_of_cases": Text(
        "/cases [open | all | 谁]；后面什么都不写：还没处理的\n"
        "例：/cases\n例：/cases telegram:12345",
        "/cases [open | all | WHO]; nothing after it: those that nobody has decided\n"
        "Example: /cases\n"
        "Example: /cases telegram:12345",
    ),
    "usage_of_case": Text(
        "/case 编号 [block [多久] | block-picture]\n"
        "例：/case 12\n"
        "例：/case 12 block 3d（禁止这个人使用）\n"
        "例：/case 12 block-picture（以后拦下这张照片）",
        "/case NUMBER [block [how long] | block-picture]\n"
        "Example: /case 12\n"
        "Example: /case 12 block 3d (shuts the person out)\n"
        "Example: /case 12 block-picture (blocks this picture from now on)",
    ),
    "usage_of_approve": Text(
        "/approve 编号 [给对方的话]\n例：/approve 12\n例：/approve 12 抱歉，是我们弄错了",
        "/approve NUMBER [words to the person]\n"
        "Example: /approve 12\n"
        "Example: /approve 12 sorry, that was our mistake",
    ),
    "usage_of_reject": Text(
        "/reject 编号 [给对方的话]\n例：/reject 12\n例：/reject 12 这类照片这里不能发",
        "/reject NUMBER [words to the person]\n"
        "Example: /reject 12\n"
        "Example: /reject 12 such photos are not for this place",
    ),
    "case_number": Text(
        "“{given}”不是案件编号。/cases 列出全部编号。",
        "“{given}” is no number of a case. /cases lists them.",
    ),
    "case_step": Text(
        "不认识“{given}”。案件编号后面可以写：{known}。",
        "“{given}” is unknown. After the number of a case there may be: {known}.",
    ),
    "cases_open": Text("没处理的案件（{count} 个）：", "Cases that nobody has decided ({count}):"),
    "cases_all": Text("案件（{count} 个）：", "Cases ({count}):"),
    "cases_none": Text("没有案件。", "There are no cases."),
    "cases_more": Text("还有 {count} 个更早的。", "There are {count} older ones."),
    "case_none": Text(
        "没有案件 {number}，可能已经过期删除。"
        "/cases all（命令行：visionbot admin cases all）列出全部。",
        "There is no case {number}; it may have been deleted for its age. /cases all (on the"
        " command line: visionbot admin cases all) lists all of them.",
    ),
    "case_title": Text("案件 #{number}：{what}", "Case #{number}: {what}"),
    "case_blocked_letter": Text(
        "案件 #{number}：{what} · {category}\n{who}\n{excerpt}",
        "Case #{number}: {what} · {category}\n{who}\n{excerpt}",
    ),
    "case_appeal_letter": Text(
        "案件 #{number} 有申诉：{what} · {category}\n{who}：{words}",
        "Case #{number} has an appeal: {what} · {category}\n{who}: {words}",
    ),
    "case_strikes_letter": Text(
        "{who} 被拦下 {count} 次，已暂停使用（{when}）。案件：{cases}。"
        "用 /unban 或 /approve 解除。",
        "{who} was blocked {count} times and is shut out {when}. Cases: {cases}. /unban or /approve"
        " ends that.",
    ),
    "cases_wait_letter": Text(
        "有 {count} 个案件没处理。/cases 列出它们。",
        "Cases that nobody has decided: {count}. /cases lists them.",
    ),
    "case_what_block": Text("拦下了{place}", "{place} blocked"),
    "case_what_review": Text("{place}待查看", "{place} to look at"),
    "case_in_question": Text("问题", "question"),
    "case_in_picture": Text("图片", "picture"),
    "case_in_answer": Text("回答", "answer"),
    "case_state_open": Text("没处理", "not decided"),
    "case_state_approved": Text("已放行", "let through"),
    "case_state_rejected": Text("维持原来的决定", "the decision stands"),
    "case_is_appealed": Text("有申诉", "appealed"),
    "case_label_at": Text("时间", "when"),
    "case_label_who": Text("谁", "who"),
    "case_label_category": Text("类别", "category"),
    "case_label_detector": Text("检测", "found by"),
    "case_label_excerpt": Text("内容", "words"),
    "case_label_state": Text("状态", "state"),
    "case_label_appeal": Text("申诉", "appeal"),
    "case_label_decided": Text("处理人", "decided by"),
    "case_label_picture": Text("图片", "picture"),
    "case_label_request": Text("请求", "request"),
    "case_photo_below": Text(
        "照片如果还保留着，会另外发来", "the photo follows, if it is still kept"
    ),
    "approve_button": Text("放行", "Let through"),
    "reject_button": Text("维持", "Let it stand"),
    "show_case_button": Text("查看", "Show"),
    "approved_told": Text(
        "案件 {number} 已放行，已经告诉对方；同样的内容下次会回答。",
        "Case {number} is let through, and the person is told. The same will be answered next"
        " time.",
    ),
    "approved_untold": Text("案件 {number} 已放行。", "Case {number} is let through."),
    "rejected_told": Text(
        "案件 {number} 维持原来的决定，已经告诉对方。",
        "In case {number} the decision stands, and the person is told.",
    ),
    "rejected_untold": Text(
        "案件 {number} 维持原来的决定。", "In case {number} the decision stands."
    ),
    "decided_already": Text(
        "案件 {number} 已经处理过：{state}。", "Case {number} was decided before: {state}."
    ),
    "case_of_the_api": Text(
        "案件 {number} 来自 API，一个密钥可能有很多人用。"
        "要停用密钥，请用 visionbot admin keys revoke {id}。",
        "Case {number} came over the API, where many may share a key. To take the key back, run"
        " visionbot admin keys revoke {id}.",
    ),
    "case_without_picture": Text(
        "案件 {number} 里没有照片。", "Case {number} is not about a picture."
    ),
    "case_picture_blocked": Text(
        "案件 {number} 的照片以后谁发都会被拦下。",
        "The picture of case {number} is blocked from now on, whoever sends it.",
    ),
    "case_picture_no_room": Text(
        "禁止的照片太多了，没有再加。请先删去一些。",
        "There are too many blocked pictures to add one more. Please take some off the list.",
    ),
    "strikes_audit": Text(
        "{who} 暂停使用（{when}），案件 {cases}", "{who} is shut out {when}, cases {cases}"
    ),
    "strikes_audit_nothing": Text("{who} 已经被禁止使用", "{who} was shut out already"),
    "case_ban_reason": Text("案件 {number}", "case {number}"),
}
