"""What the API says when it refuses a request."""

from __future__ import annotations

from typing import Literal

from bot.wording.text import Text

ApiKey = Literal[
    "api_malformed",
    "api_wrong_field",
    "api_no_key",
    "api_wrong_key",
    "api_not_found",
    "address_unknown",
    "api_too_slow",
    "api_too_large",
    "api_line_full",
    "api_broken",
    "api_engine_down",
    "api_wrong_method",
    "api_wrong_media_type",
    "api_model_unknown",
    "api_model_forbidden",
    "api_context_too_long",
    "api_bad_format",
    "api_bad_picture",
    "api_blocked",
    "api_not_checked",
    "api_blocked_case",
    "api_case",
    "api_blocked_question",
    "api_blocked_picture",
    "api_blocked_answer",
    "api_too_many_pictures",
    "api_knowledge_unknown",
    "api_quota",
    "api_line_full_key",
    "api_waited",
    "api_engine_fault",
    "api_foreign_page",
    "api_foreign_host",
    "api_banned",
    "api_members_only",
    "api_paused",
    "api_overloaded",
    "api_no_room",
    "api_disk_full",
    "api_not_now",
    "api_too_often",
    "api_locked_out",
    "api_repeat_no_key",
    "api_repeat_other",
    "api_repeat_running",
    "api_fetch_off",
    "api_fetch_address",
    "api_fetch_host",
    "api_fetch_failed",
    "why_fetch_no_answer",
    "why_fetch_slow",
    "why_fetch_status",
    "why_fetch_redirects",
    "why_missing",
    "why_wrong_type",
    "why_least",
    "why_above",
    "why_most",
    "why_one_of",
    "why_too_long",
    "why_too_short",
    "why_too_many",
    "why_too_few",
    "why_pattern",
    "why_other",
    "why_json",
    "why_json_utf8",
    "why_json_deep",
    "why_json_number",
    "why_json_twice",
    "why_json_values",
    "why_json_surrogate",
    "why_json_object",
    "why_picture_address",
    "why_call_unknown",
    "why_call_unanswered",
    "why_call_twice",
    "why_arguments",
    "why_tool_unknown",
    "why_tool_twice",
    "why_no_tools",
    "why_top_logprobs",
    "type_text",
    "type_whole",
    "type_number",
    "type_boolean",
    "type_list",
    "type_object",
    "op_createChatCompletion",
    "op_createChatCompletion_more",
    "op_ask",
    "op_ask_more",
    "op_listModels",
    "op_listModels_more",
    "op_retrieveModel",
    "op_retrieveModel_more",
    "op_health",
    "op_health_more",
    "op_isAlive",
    "op_isAlive_more",
    "op_isReady",
    "op_isReady_more",
    "op_metrics",
    "op_metrics_more",
    "op_openapi",
    "op_openapi_more",
    "op_docs",
    "op_docs_more",
    "field_url",
    "field_detail",
    "field_image_url",
    "field_arguments",
    "field_parameters",
    "field_schema",
    "field_model",
    "field_user",
    "field_knowledge_base_id",
    "field_top_k",
    "field_top_logprobs",
    "field_reasoning_effort",
    "field_reasoning_content",
    "field_finish_reason",
    "field_sources",
    "field_refusal",
    "field_cached",
    "field_notes",
    "docs_title",
    "docs_intro",
    "docs_key",
    "docs_headers",
    "docs_machine",
    "docs_operations",
    "docs_schemas",
    "docs_errors",
    "docs_body",
    "docs_answer",
    "docs_field",
    "docs_kind",
    "docs_meaning",
    "docs_status",
    "docs_required",
]

API: dict[str, Text] = {
    "api_malformed": Text(
        "请求正文不是有效的 JSON（{why}）。请检查后再发。",
        "The body is not valid JSON ({why}). Correct it and send it again.",
    ),
    "api_wrong_field": Text(
        "字段 {path} 不对：{why}。",
        "The field {path} is wrong: {why}.",
    ),
    "api_no_key": Text(
        "需要 API 密钥。请在请求头里写 Authorization: Bearer 密钥；"
        "密钥由管理员用 visionbot admin keys create 发放。",
        "An API key is needed. Send it as Authorization: Bearer KEY; an admin makes one with "
        "visionbot admin keys create.",
    ),
    "api_wrong_key": Text(
        "API 密钥不对，或者已经被收回。请向管理员要一个新的。",
        "The API key is wrong or was revoked. Ask an admin for a new one.",
    ),
    "api_not_found": Text(
        "没有这个地址：{path}。GET /openapi.json 列出了全部地址。",
        "There is nothing at {path}. GET /openapi.json lists all addresses.",
    ),
    "address_unknown": Text(
        "这里没有这个地址。请检查网址，或者从首页开始。",
        "There is nothing at this address. Please check it, or begin at the first page.",
    ),
    "api_too_slow": Text(
        "请求正文发得太慢，{limit} 秒内没有新内容。请换个网络再试。",
        "The body came too slowly: nothing for {limit} seconds. Try again on a faster network.",
    ),
    "api_too_large": Text(
        "请求太大了，最多 {limit} MB。请把照片缩小，或者少发几张。",
        "The request is too large; at most {limit} MB. Send smaller photos, or fewer.",
    ),
    "api_line_full": Text(
        "现在排队的人太多。请 {seconds} 秒后再试。",
        "Too many are waiting in line. Try again in {seconds} seconds.",
    ),
    "api_broken": Text(
        "程序出了错，已记录下来（编号 {id}）。请再试一次。",
        "Something went wrong and was noted (id {id}). Please try again.",
    ),
    "api_engine_down": Text(
        "模型现在不可用。请 {seconds} 秒后再试。",
        "The model is not available now. Try again in {seconds} seconds.",
    ),
    "api_wrong_method": Text(
        "这个地址不支持 {method}，请用 {allowed}。",
        "This address does not take {method}; use {allowed}.",
    ),
    "api_wrong_media_type": Text(
        "请求正文必须是 JSON。请加上请求头 Content-Type: application/json。",
        "The body must be JSON. Add the header Content-Type: application/json.",
    ),
    "api_model_unknown": Text(
        "没有模型 {model}。这里有：{known}。",
        "There is no model {model}. Here is: {known}.",
    ),
    "api_model_forbidden": Text(
        "这个密钥不能用模型 {model}。请向管理员申请。",
        "This key may not use the model {model}. Ask an admin for it.",
    ),
    "api_context_too_long": Text(
        "内容太长：至少 {tokens} 个 token，模型最多 {limit} 个。请删去较早的消息或几张照片。",
        "This is too long: at least {tokens} tokens, and the model takes {limit}. Leave out "
        "earlier messages or some pictures.",
    ),
    "api_bad_format": Text(
        "模型不能按这样的 response_format 或 tools 回答：{why}。",
        "The model cannot answer by this response_format or these tools: {why}.",
    ),
    "api_blocked": Text(
        "{what}，不能回答。请换一种说法或换一张照片。",
        "{what}, so it is not answered. Word it otherwise or take another picture.",
    ),
    "api_not_checked": Text(
        "现在没法检查内容，所以不能回答。请过一会儿再试。",
        "It cannot be checked at the moment, so it is not answered. Try again later.",
    ),
    "api_blocked_case": Text(
        "{what}，不能回答。请换一种说法或换一张照片；"
        "如果认为弄错了，请把编号 {number} 告诉管理员。",
        "{what}, so it is not answered. Word it otherwise or take another picture; if you think"
        " that this is a mistake, tell an administrator the number of the case, {number}.",
    ),
    "api_case": Text(
        "如果认为弄错了，请把编号 {case} 告诉管理员。",
        "If you think that this is a mistake, tell an administrator the number of the case,"
        " {case}.",
    ),
    "api_blocked_question": Text(
        "问题中有不允许的内容", "The question has content that is not allowed"
    ),
    "api_blocked_picture": Text(
        "图片中有不允许的内容", "The picture has content that is not allowed"
    ),
    "api_blocked_answer": Text(
        "回答中有不允许的内容", "The answer has content that is not allowed"
    ),
    "api_bad_picture": Text("照片用不了。{said}", "The picture cannot be used. {said}"),
    "api_too_many_pictures": Text(
        "一次最多 {limit} 张照片，这里有 {count} 张。请少发几张。",
        "At most {limit} pictures in one request, and here are {count}. Send fewer.",
    ),
    "api_knowledge_unknown": Text(
        "没有知识库 {id}。本单位的知识库叫 {known}。",
        "There is no knowledge base {id}. The organisation's own is called {known}.",
    ),
    "api_quota": Text("额度不够了。{said}", "The quota is used up. {said}"),
    "api_line_full_key": Text(
        "这个密钥已有 {limit} 个请求在排队或作答，这是上限。请 {seconds} 秒后再试。",
        "This key has {limit} requests waiting or being answered, which is the limit. Try again in "
        "{seconds} seconds.",
    ),
    "api_waited": Text(
        "排队等了 {waited} 秒还没有轮到。请 {seconds} 秒后再试。",
        "Its turn did not come within {waited} seconds. Try again in {seconds} seconds.",
    ),
    "api_engine_fault": Text(
        "模型没能答完这个请求，已记录下来（编号 {id}）。请换个问法，或者把照片缩小再试。",
        "The model could not finish this request, which was noted (id {id}). Put it in other "
        "words, or send smaller pictures.",
    ),
    "api_foreign_page": Text(
        "别的网站上的页面不能不带密钥使用这里的接口。请带上 API 密钥，"
        "或者请管理员把该网站写进 [api] cors_origins。",
        "A page of another site may not use this API without a key. Send an API key, or ask an "
        "admin to write that site into [api] cors_origins.",
    ),
    "api_foreign_host": Text(
        "不带密钥时，只能用 127.0.0.1 或 localhost 这样的本机地址访问。请改用本机地址，"
        "或者带上 API 密钥。",
        "Without a key this API answers under its own names alone, such as 127.0.0.1 or localhost. "
        "Use one of those, or send an API key.",
    ),
    "api_banned": Text(
        "管理员已停用 {who}{reason}。请联系管理员。",
        "An admin has shut out {who}{reason}. Please ask an admin.",
    ),
    "api_members_only": Text(
        "这里只有成员可以提问，{who} 还不是。管理员可以用 /allow {who} 加入。",
        "Only members may ask here, and {who} is none yet. An admin can change that with "
        "/allow {who}.",
    ),
    "api_paused": Text(
        "管理员已暂停服务。请 {seconds} 秒后再试。",
        "An admin has paused the service. Try again in {seconds} seconds.",
    ),
    "api_overloaded": Text(
        "现在同时发来的照片太多，内存放不下。请 {seconds} 秒后再试。",
        "Too many pictures are arriving at once to be kept in memory. Try again in {seconds} "
        "seconds.",
    ),
    "api_no_room": Text(
        "打开的连接太多。请关闭一些，或者 {seconds} 秒后再试。",
        "Too many connections are open. Close some, or try again in {seconds} seconds.",
    ),
    "api_disk_full": Text(
        "服务器的磁盘满了，暂不接收请求。请 {seconds} 秒后再试。",
        "The server's disk is full, and no request is taken. Try again in {seconds} seconds.",
    ),
    "api_not_now": Text(
        "数据库暂时连不上，请求没有处理。请 {seconds} 秒后再试。",
        "The database cannot be reached at the moment, and nothing was done. Try again in "
        "{seconds} seconds.",
    ),
    "api_too_often": Text(
        "请求太频繁：这个密钥每分钟最多 {limit} 次。请 {seconds} 秒后再试。",
        "Too many requests: this key has {limit} a minute. Try again in {seconds} seconds.",
    ),
    "api_locked_out": Text(
        "从你的地址来的错误密钥太多。请检查密钥，{seconds} 秒后再试。",
        "Too many wrong keys came from your address. Check the key and try again in {seconds} "
        "seconds.",
    ),
    "api_repeat_no_key": Text(
        "Idempotency-Key 要有 1 到 {limit} 个 ASCII 字符。请换一个。",
        "An Idempotency-Key has 1 to {limit} ASCII characters. Choose another one.",
    ),
    "api_repeat_other": Text(
        "这个 Idempotency-Key 已用于另一个请求。每个新请求请用新的。",
        "This Idempotency-Key belongs to another request. Use a new one for each new request.",
    ),
    "api_repeat_running": Text(
        "带这个 Idempotency-Key 的请求还在处理。请 {seconds} 秒后再试。",
        "The request with this Idempotency-Key is still being answered. Try again in {seconds} "
        "seconds.",
    ),
    "api_fetch_off": Text(
        "这里不从网址取照片。请把照片写成 data:image/...;base64, 发来，"
        "或者请管理员设置 [api] fetch_hosts。",
        "Pictures are not fetched from addresses here. Send the picture itself, as "
        "data:image/...;base64, or ask an admin to set [api] fetch_hosts.",
    ),
    "api_fetch_address": Text(
        "照片的网址不能用：要以 https:// 或 http:// 开头，不带用户名，端口为 443 或 80，"
        "最多 {limit} 个字符。请检查网址。",
        "The picture's address cannot be used: it begins with https:// or http://, names no user, "
        "has the port 443 or 80, and at most {limit} characters. Check it.",
    ),
    "api_fetch_host": Text(
        "不允许从 {host} 取照片。请把照片写成 data:image/...;base64, 发来，"
        "或者请管理员把它写进 [api] fetch_hosts。",
        "Pictures may not be fetched from {host}. Send the picture itself, as "
        "data:image/...;base64, or ask an admin to write it into [api] fetch_hosts.",
    ),
    "api_fetch_failed": Text(
        "从 {host} 没有取到照片：{why}。请检查网址，或者把照片写成 data:image/...;base64, 发来。",
        "No picture came from {host}: {why}. Check its address, or send the picture itself, as "
        "data:image/...;base64.",
    ),
    "why_fetch_no_answer": Text(
        "这个地址不对外公开，或者没有回应", "it is no public address, or does not answer"
    ),
    "why_fetch_slow": Text("{limit} 秒内没有传完", "it was not there within {limit} seconds"),
    "why_fetch_status": Text("对方答复 {status}", "it answered {status}"),
    "why_fetch_redirects": Text("跳转超过 {limit} 次", "it sent us on more than {limit} times"),
    "why_missing": Text("缺少这个字段", "it is missing"),
    "why_wrong_type": Text("必须是{wanted}", "it must be {wanted}"),
    "why_least": Text("最小是 {limit}", "it must be at least {limit}"),
    "why_above": Text("必须大于 {limit}", "it must be more than {limit}"),
    "why_most": Text("最大是 {limit}", "it must be at most {limit}"),
    "why_one_of": Text("只能是 {allowed} 之一", "it must be one of {allowed}"),
    "why_too_long": Text("最多 {limit} 个字符", "it must have at most {limit} characters"),
    "why_too_short": Text(
        "至少 {limit} 个字符", "it is too short, the least number of characters is {limit}"
    ),
    "why_too_many": Text("最多 {limit} 项", "it must have at most {limit} entries"),
    "why_too_few": Text("至少 {limit} 项", "it has too few entries, the least is {limit}"),
    "why_pattern": Text("必须符合 {pattern}", "it must match {pattern}"),
    "why_other": Text("它不符合接口说明", "it is not as the description of the API says"),
    "why_json": Text("第 {line} 行第 {column} 列", "line {line}, column {column}"),
    "why_json_utf8": Text("不是 UTF-8 编码", "it is not UTF-8"),
    "why_json_deep": Text("嵌套太深", "it is nested too deep"),
    "why_json_number": Text(
        "有一个数字不能用，比如 NaN，或者太大", "it has a number that is none, or too large"
    ),
    "why_json_twice": Text("键 {name} 写了两次", "the key {name} stands twice"),
    "why_json_values": Text("它有超过 {limit} 个值", "it has more than {limit} values"),
    "why_json_surrogate": Text(
        "有半个字符（\\ud800 到 \\udfff 必须成对）",
        "it has half a character (\\ud800 to \\udfff must come in pairs)",
    ),
    "why_json_object": Text("最外层必须是对象 {{...}}", "it must be an object, {{...}}"),
    "why_picture_address": Text(
        "必须以 data:image/...;base64, 或 https:// 开头",
        "it must begin with data:image/...;base64, or https://",
    ),
    "why_call_unknown": Text("前面没有编号为 {id} 的调用", "no call before it has the id {id}"),
    "why_call_unanswered": Text(
        "调用 {id} 后面缺少 role 为 tool 的结果",
        "the call {id} is not followed by its result, a message of the role tool",
    ),
    "why_call_twice": Text("编号 {id} 用了两次", "the id {id} stands twice"),
    "why_arguments": Text("必须是一个 JSON 对象的文本", "it must be the text of a JSON object"),
    "why_tool_unknown": Text("tools 里没有 {name}", "there is no {name} in tools"),
    "why_tool_twice": Text("tools 里有两个 {name}", "there are two of {name} in tools"),
    "why_no_tools": Text("没有 tools 就不能用", "it needs tools"),
    "why_top_logprobs": Text("需要 logprobs: true", "it needs logprobs: true"),
    "type_text": Text("文本", "text"),
    "type_whole": Text("整数", "a whole number"),
    "type_number": Text("数字", "a number"),
    "type_boolean": Text(" true 或 false", "true or false"),
    "type_list": Text("列表 [...]", "a list, [...]"),
    "type_object": Text("对象 {{...}}", "an object, {{...}}"),
    "op_createChatCompletion": Text(
        "像 OpenAI 的客户端那样提问", "Ask the model, as OpenAI's clients do"
    ),
    "op_createChatCompletion_more": Text(
        "整段返回；带 stream 时用 SSE 逐段返回，以 data: [DONE] 结束。照片放在用户消息里，"
        "一次最多 8 张。n 最多 4，每个回答各排一次队。没列出的字段会被忽略。",
        "Whole, or with stream as server-sent events that end with data: [DONE]. Pictures are "
        "parts of a user's message, up to 8 in a request. n is at most 4, and each answer waits "
        "in line for itself. Fields that are not listed are ignored.",
    ),
    "op_ask": Text("就一张照片提问", "Ask about one picture"),
    "op_ask_more": Text(
        "最短的用法：一个问题，通常再加一张照片的地址。",
        "The shortest way: a prompt and, mostly, the address of a picture.",
    ),
    "op_listModels": Text("列出模型", "List the models"),
    "op_listModels_more": Text(
        "正在运行的模型，以及它的别名。", "The model that runs, under all its names."
    ),
    "op_retrieveModel": Text("查看一个模型", "Look at one model"),
    "op_retrieveModel_more": Text(
        "没有这个名字时返回 404。", "404 when there is none of that name."
    ),
    "op_health": Text("程序的状况", "How the program fares"),
    "op_health_more": Text("不能回答问题时返回 503。", "503 while it cannot answer questions."),
    "op_isAlive": Text("程序是否在运行", "Whether the program runs"),
    "op_isAlive_more": Text("给负责重启程序的工具用。", "For whoever restarts it."),
    "op_isReady": Text("现在能不能回答问题", "Whether questions can be answered"),
    "op_isReady_more": Text(
        "模型正在加载、不可用，或者程序正在停止时返回 503。",
        "503 while the model is loaded, while it is down, and when the program is ending.",
    ),
    "op_metrics": Text("给 Prometheus 的数字", "Numbers for Prometheus"),
    "op_metrics_more": Text(
        "设置了 [metrics] 的令牌时，需要带上它。",
        "With the token of [metrics], where one is set.",
    ),
    "op_openapi": Text("本说明（机器可读）", "This description"),
    "op_openapi_more": Text("OpenAPI 3.1 文档。", "An OpenAPI 3.1 document."),
    "op_docs": Text("本说明（给人看）", "This description, to read"),
    "op_docs_more": Text(
        "中文或英文，按 Accept-Language 或 ?lang=。",
        "In Chinese or English, by Accept-Language or ?lang=.",
    ),
    "field_url": Text(
        "data:image/...;base64,... 或 https://...",
        "data:image/...;base64,... or https://...",
    ),
    "field_detail": Text(
        "接受，但照片总是按全部细节看。", "Accepted; every picture is seen in full detail."
    ),
    "field_image_url": Text(
        "带 url 的对象，或者直接写地址。", "An object with url, or just the address."
    ),
    "field_arguments": Text("一个 JSON 对象的文本。", "The text of a JSON object."),
    "field_parameters": Text("参数的 JSON Schema。", "The JSON schema of its arguments."),
    "field_schema": Text(
        "JSON Schema。不论 strict 与否，回答都会遵守它。",
        "A JSON schema. The answer keeps to it, strict or not.",
    ),
    "field_model": Text(
        "/v1/models 里的名字；不写就用第一个。",
        "As /v1/models lists it; without it, the first of those.",
    ),
    "field_user": Text(
        "同一密钥背后的某个人；每个人公平排队。",
        "One of several people behind a key; each waits fairly.",
    ),
    "field_knowledge_base_id": Text(
        "default：随问题附上本单位文档里的相关段落，用了哪些写在 sources 里。",
        "default: passages of the organisation's documents go with the question; sources tells "
        "which.",
    ),
    "field_top_k": Text("0 或 -1：不限。", "0 or -1: no limit."),
    "field_top_logprobs": Text("需要 logprobs。", "Needs logprobs."),
    "field_reasoning_effort": Text(
        "none 和 minimal：不思考；其他：先思考再回答。",
        "none and minimal: without thinking; all others: with it.",
    ),
    "field_reasoning_content": Text(
        "模型思考时写下的话，不算在回答里。", "What the model thought aloud, apart from the answer."
    ),
    "field_finish_reason": Text(
        "length 也包括因为开始重复而停下。", "length also where it began to repeat itself."
    ),
    "field_refusal": Text(
        "回答被收回时的说明；这时 finish_reason 是 content_filter，之前收到的内容请不要再显示。",
        "What is said in place of an answer that was taken back: finish_reason is content_filter,"
        " and nothing that came before is to be shown any longer.",
    ),
    "field_cached": Text(
        "true：这是之前对同一个请求的回答，没有再问模型，不计词元；usage 是当时的数字。",
        "true: this is an earlier answer to the same request. The model was not asked and no tokens"
        " are counted; usage is what it took then.",
    ),
    "field_notes": Text(
        "图片经过的处理：first_page 只看了 TIFF 的第一页，first_frame 只看了动图的第一帧，"
        "straightened 拍斜的页面已转正。",
        "What was done to the pictures: first_page of a TIFF, first_frame of a picture that moves,"
        " straightened for a page that was at an angle.",
    ),
    "field_sources": Text(
        "用到的文档，编号和回答里的一样。",
        "The documents that were used, under the numbers that the answer has.",
    ),
    "docs_title": Text("visionbot 接口说明", "The API of visionbot"),
    "docs_intro": Text(
        "会说 OpenAI 接口的程序，只要把地址改成 {address} 就能用。错误也用 OpenAI 的格式；"
        "说明文字按 Accept-Language 用中文或英文。",
        "Whatever speaks OpenAI's API works here by changing its address to {address}. Errors have "
        "OpenAI's shape too, in Chinese or English by Accept-Language.",
    ),
    "docs_key": Text(
        "在本机上不需要密钥；从别处来，请带上 Authorization: Bearer 密钥。",
        "On this machine no key is needed; from elsewhere, send Authorization: Bearer KEY.",
    ),
    "docs_headers": Text(
        "请求头：X-Request-Id 会原样返回，并写进日志；Idempotency-Key 让重发的请求得到同一个回答。"
        "返回 429 和 503 时，Retry-After 说明多少秒后再试。",
        "Headers: X-Request-Id comes back and stands in the log; a request repeated under its "
        "Idempotency-Key gets the same answer. With 429 and 503, Retry-After says after how many "
        "seconds to try again.",
    ),
    "docs_machine": Text("机器可读：", "For machines: "),
    "docs_operations": Text("地址", "Addresses"),
    "docs_schemas": Text("字段", "Fields"),
    "docs_errors": Text("错误", "Errors"),
    "docs_body": Text("正文：", "Body: "),
    "docs_answer": Text("回答：", "Answer: "),
    "docs_field": Text("字段", "Field"),
    "docs_kind": Text("类型", "Type"),
    "docs_meaning": Text("说明", "Meaning"),
    "docs_status": Text("状态码", "Status"),
    "docs_required": Text("必填", "required"),
}
