"""What `visionbot check` says."""

from __future__ import annotations

from typing import Literal

from bot.wording.text import Text

CheckKey = Literal[
    "check_ok",
    "check_problem",
    "check_off",
    "check_all_well",
    "check_problems",
    "check_settings",
    "check_secrets",
    "check_folder",
    "check_disk",
    "check_database",
    "check_model",
    "check_card",
    "check_port",
    "check_api",
    "check_sign_in",
    "check_metrics",
    "check_service",
    "check_days",
    "check_days_named",
    "check_days_machine",
    "check_settings_none",
    "check_secrets_none",
    "check_secrets_set",
    "check_secret_open",
    "check_secret_open_how",
    "check_folder_coming",
    "check_folder_file",
    "check_folder_file_how",
    "check_folder_closed",
    "check_folder_closed_how",
    "check_folder_open",
    "check_folder_open_how",
    "check_disk_free",
    "check_disk_full",
    "check_disk_full_how",
    "check_database_missing",
    "check_database_sound",
    "check_database_behind",
    "check_model_says",
    "check_model_running",
    "check_model_unasked",
    "check_model_unfetched",
    "check_model_down",
    "check_model_down_how",
    "check_model_silent",
    "check_model_silent_how",
    "check_card_remote",
    "check_card_unused",
    "check_card_none",
    "check_card_none_wanted",
    "check_card_none_large",
    "check_card_none_how",
    "check_card_number",
    "check_card_number_how",
    "check_card_fits",
    "check_card_unknown",
    "check_card_small",
    "check_card_small_how",
    "check_card_smaller",
    "check_port_off",
    "check_port_free",
    "check_port_ours",
    "check_port_taken",
    "check_port_taken_by",
    "check_port_taken_how",
    "check_port_refused",
    "check_port_rights_how",
    "check_port_address_how",
    "check_api_off",
    "check_api_here",
    "check_api_keys",
    "check_api_no_keys",
    "check_api_no_keys_how",
    "check_api_always",
    "check_sign_in_off",
    "check_sign_in_here",
    "check_sign_in_open",
    "check_sign_in_code",
    "check_sign_in_weak",
    "check_sign_in_weak_how",
    "check_sign_in_proxy",
    "check_metrics_off",
    "check_metrics_here",
    "check_metrics_token",
    "check_metrics_closed",
    "check_telegram_off",
    "check_telegram_on",
    "check_telegram_how",
    "check_matrix_how",
    "check_matrix_off",
    "check_matrix_on",
    "check_matrix_missing",
    "check_matrix_missing_how",
    "check_service_off",
    "check_service_on",
    "check_service_platform_off",
    "check_service_platform_off_how",
    "check_words",
    "check_words_off",
    "check_words_read",
    "check_ocr",
    "check_ocr_off",
    "check_ocr_missing",
    "check_ocr_missing_how",
    "check_ocr_reads",
    "check_ocr_fails",
    "check_ocr_fails_how",
    "check_heic",
    "check_heic_missing",
    "check_heic_on",
    "check_guards",
    "check_guards_off",
    "check_guards_itself",
    "check_guards_unfetched",
    "check_guards_unusable",
    "check_guards_key",
    "check_guards_key_how",
    "check_guards_fail",
    "check_guards_fail_how",
    "check_guard_timeout",
    "check_guard_unreachable",
    "check_guard_refused",
    "check_guard_answer",
    "check_guard_broken",
    "check_late",
    "check_late_how",
    "check_broken",
]

CHECKUP: dict[str, Text] = {
    "check_ok": Text("正常", "ok"),
    "check_problem": Text("有问题", "problem"),
    "check_off": Text("未启用", "off"),
    "check_all_well": Text("没有发现问题。", "No problem was found."),
    "check_problems": Text("发现 {count} 个问题。", "Problems found: {count}."),
    "check_settings": Text("设置", "settings"),
    "check_secrets": Text("密码与密钥", "secrets"),
    "check_folder": Text("数据文件夹", "data folder"),
    "check_disk": Text("磁盘空间", "disk"),
    "check_database": Text("数据库", "database"),
    "check_model": Text("模型", "model"),
    "check_card": Text("显卡", "GPU"),
    "check_port": Text("端口", "port"),
    "check_api": Text("API 密钥", "API keys"),
    "check_sign_in": Text("网页登录", "page sign-in"),
    "check_metrics": Text("监控指标", "metrics"),
    "check_service": Text("人工客服", "service desk"),
    "check_days": Text("日期", "days"),
    "check_days_named": Text(
        "从 {zone} 的零点开始，现在是 {now}（{offset}）",
        "begin at midnight in {zone}, where it is {now} now ({offset})",
    ),
    "check_days_machine": Text(
        "从这台机器的零点开始，现在是 {now}（{offset}）；[quota] timezone 可以改",
        "begin at midnight of this machine, where it is {now} now ({offset});"
        " [quota] timezone names another zone",
    ),
    "check_settings_none": Text(
        "这个文件夹里没有 config.toml，使用默认值", "no config.toml in this folder: the defaults"
    ),
    "check_secrets_none": Text("没有设置", "none is set"),
    "check_secrets_set": Text("已设置：{names}", "set: {names}"),
    "check_secret_open": Text(
        "{file} 的权限是 {mode}，别的用户也能读",
        "{file} has the rights {mode}, so other users can read it",
    ),
    "check_secret_open_how": Text("运行：chmod 600 {file}", "run: chmod 600 {file}"),
    "check_folder_coming": Text("将建在 {folder}", "will be created at {folder}"),
    "check_folder_file": Text("{folder} 是文件，不是文件夹", "{folder} is a file, not a folder"),
    "check_folder_file_how": Text(
        "把它移走，或者改 [storage] data_dir", "move it away, or set another [storage] data_dir"
    ),
    "check_folder_closed": Text(
        "当前用户不能写入 {folder}", "{folder} is not writable for this user"
    ),
    "check_folder_closed_how": Text(
        "用运行程序的用户执行；或者：sudo chown -R {user} {folder}",
        "run this as the program's own user, or: sudo chown -R {user} {folder}",
    ),
    "check_folder_open": Text(
        "{folder} 的权限是 {mode}，别的用户也能读到对话和照片",
        "{folder} has the rights {mode}, so other users can read talks and photos",
    ),
    "check_folder_open_how": Text("运行：chmod 700 {folder}", "run: chmod 700 {folder}"),
    "check_disk_free": Text("剩余 {free} GB", "{free} GB are free"),
    "check_disk_full": Text(
        "只剩 {free} GB，至少要有 {least} GB",
        "only {free} GB are free, and at least {least} GB are needed",
    ),
    "check_disk_full_how": Text(
        "清理 {folder} 所在的磁盘，或者把 [storage] data_dir 换到别处",
        "free space on the disk of {folder}, or set [storage] data_dir to another disk",
    ),
    "check_database_missing": Text("首次启动时会建立", "will be created at the first start"),
    "check_database_sound": Text("{file} 完好", "{file} is sound"),
    "check_database_behind": Text(
        "{file} 完好，下次启动时会升级", "{file} is sound, and will be migrated at the next start"
    ),
    "check_model_says": Text(
        "{model} 在 {seconds} 秒内装好，对一张红色图片说：{answer}",
        "{model}, ready after {seconds} s, says of a red picture: {answer}",
    ),
    "check_model_running": Text(
        "正在运行的程序（进程 {process}）已装好 {model}",
        "the running program (process {process}) has {model} loaded",
    ),
    "check_model_unasked": Text(
        "没有检查：程序正在运行（进程 {process}），但在 [web] port 上没有应答",
        "not looked at: the program runs (process {process}), but not at this [web] port",
    ),
    "check_model_unfetched": Text(
        "没有检查：{model} 还没有下载，第一次启动时会下载",
        "not looked at: {model} is not downloaded yet; the first start does that",
    ),
    "check_model_down": Text(
        "正在运行的程序（进程 {process}）说：{status}",
        "the running program (process {process}) says: {status}",
    ),
    "check_model_down_how": Text(
        "稍等片刻再检查；如果一直这样，请看它的日志",
        "wait a moment and check again; if it stays so, its log says why",
    ),
    "check_model_silent": Text("对一张红色图片没有回答", "it gave no answer about a red picture"),
    "check_model_silent_how": Text(
        "换一个 [engine] model，或者重新下载它", "name another [engine] model, or download it again"
    ),
    "check_card_remote": Text("模型在 {address} 上运行", "the model runs elsewhere, at {address}"),
    "check_card_unused": Text(
        "按 [engine] device 的设置，模型在 CPU 上运行",
        "the model runs on the CPU, as [engine] device says",
    ),
    "check_card_none": Text(
        "没有 NVIDIA 显卡，模型在 CPU 上运行", "no NVIDIA card: the model runs on the CPU"
    ),
    "check_card_none_wanted": Text(
        '设置了 [engine] device = "{device}"，但没有找到 NVIDIA 显卡',
        '[engine] device is "{device}", but no NVIDIA card was found',
    ),
    "check_card_none_large": Text(
        "没有找到 NVIDIA 显卡；{model} 在 CPU 上每个回答要几分钟",
        "no NVIDIA card was found; on a CPU {model} takes minutes for each answer",
    ),
    "check_card_none_how": Text(
        '安装显卡驱动，直到 nvidia-smi 列出显卡；没有显卡就设置 [engine] device = "cpu"',
        "install the driver until nvidia-smi lists the card; without a card set [engine] device ="
        ' "cpu"',
    ),
    "check_card_number": Text(
        '设置了 [engine] device = "{device}"，但只有 {count} 张显卡，从 0 数起',
        '[engine] device is "{device}", but there are {count} cards, numbered from 0',
    ),
    "check_card_number_how": Text('设置 [engine] device = "cuda"', 'set [engine] device = "cuda"'),
    "check_card_fits": Text(
        "{name}（驱动 {driver}），{total} GB 显存，可用 {free} GB；"
        '{model}（quantize = "{quantize}"）需要约 {needed} GB',
        "{name} (driver {driver}), {total} GB, {free} GB of them free; {model} with"
        ' quantize = "{quantize}" takes about {needed} GB',
    ),
    "check_card_unknown": Text(
        "{name}（驱动 {driver}），{total} GB 显存，可用 {free} GB；{model} 还没有下载，大小未知",
        "{name} (driver {driver}), {total} GB, {free} GB of them free; {model} is not downloaded"
        " yet, its size is not known",
    ),
    "check_card_small": Text(
        "{name}（驱动 {driver}），{total} GB 显存，可用 {free} GB，"
        '但 {model}（quantize = "{quantize}"）需要约 {needed} GB',
        "{name} (driver {driver}), {total} GB, {free} GB of them free, but {model} with"
        ' quantize = "{quantize}" takes about {needed} GB',
    ),
    "check_card_small_how": Text(
        "{smaller}关闭占用显存的程序（nvidia-smi 会列出），或者换一个更小的模型",
        "{smaller}close what uses the card (nvidia-smi lists it), or name a smaller model",
    ),
    "check_card_smaller": Text(
        '设置 [engine] quantize = "{quantize}"，或者', 'set [engine] quantize = "{quantize}", or '
    ),
    "check_port_off": Text(
        "网页、API 和监控指标都没有启用", "the page, the API and the metrics are off"
    ),
    "check_port_free": Text("{address} 空闲", "{address} is free"),
    "check_port_ours": Text(
        "{address}，由正在运行的程序（进程 {process}）使用",
        "{address}, held by the running program (process {process})",
    ),
    "check_port_taken": Text("{address} 被别的程序占用", "{address} is taken by another program"),
    "check_port_taken_by": Text(
        "{address} 被进程 {process}（{program}）占用",
        "{address} is taken by process {process} ({program})",
    ),
    "check_port_taken_how": Text(
        "结束那个程序，或者设置另一个 [web] port", "end that program, or set another [web] port"
    ),
    "check_port_refused": Text("{address} 不能使用：{why}", "{address} cannot be had: {why}"),
    "check_port_rights_how": Text(
        "把 [web] port 设为 1024 或更大", "set [web] port to 1024 or more"
    ),
    "check_port_address_how": Text(
        "把 [web] host 设为本机的地址，例如 127.0.0.1",
        "set [web] host to an address of this machine, such as 127.0.0.1",
    ),
    "check_api_off": Text("API 没有启用，见 [api] enabled", "the API is off, see [api] enabled"),
    "check_api_here": Text(
        "还没有；只有本机能访问，所以不需要",
        "none yet; only this machine can reach it, so none is needed",
    ),
    "check_api_keys": Text("有 {count} 个可用", "{count} can be used"),
    "check_api_no_keys": Text(
        "[web] host 是 {host}，别人也能访问 API，但还没有密钥",
        "[web] host is {host}, where others can reach the API, but there is no key yet",
    ),
    "check_api_no_keys_how": Text(
        "运行：visionbot admin keys create 名称；或者设置 [api] enabled = false",
        "run: visionbot admin keys create NAME, or set [api] enabled = false",
    ),
    "check_api_always": Text(
        '设置了 [api] needs_key = "always"，但还没有密钥',
        '[api] needs_key is "always", but there is no key yet',
    ),
    "check_sign_in_off": Text(
        "网页没有启用，见 [web] enabled", "the page is off, see [web] enabled"
    ),
    "check_sign_in_here": Text("只有本机能打开网页", "only this machine can open the page"),
    "check_sign_in_open": Text(
        "能访问 {host} 的人都可以提问", "whoever reaches {host} may ask, as [web] sign_in says"
    ),
    "check_sign_in_code": Text("凭访问码登录", "by the access code"),
    "check_sign_in_weak": Text(
        "访问码容易被猜到（{length} 个字符，其中 {distinct} 种）",
        "the access code is easy to guess: {length} characters, {distinct} different ones",
    ),
    "check_sign_in_weak_how": Text(
        "换一个访问码：openssl rand -base64 12", "take another one: openssl rand -base64 12"
    ),
    "check_sign_in_proxy": Text(
        "由反向代理确认身份（{header}）", "a reverse proxy says who it is ({header})"
    ),
    "check_metrics_off": Text("见 [metrics] enabled", "see [metrics] enabled"),
    "check_metrics_here": Text("只有本机能读取 /metrics", "only this machine can read /metrics"),
    "check_metrics_token": Text("读取 /metrics 要出示令牌", "/metrics is read with a token"),
    "check_metrics_closed": Text(
        "别的机器读不到 /metrics；要读取，请设置 VISIONBOT_METRICS__TOKEN",
        "no other machine can read /metrics; to let one, set VISIONBOT_METRICS__TOKEN",
    ),
    "check_words": Text("词表", "word lists"),
    "check_words_off": Text("见 [safety] enabled", "see [safety] enabled"),
    "check_words_read": Text("共 {count} 条", "{count} phrases"),
    "check_ocr": Text("识别图片文字", "text in pictures"),
    "check_ocr_off": Text("见 [ocr] enabled", "see [ocr] enabled"),
    "check_ocr_missing": Text(
        '没有安装；需要时运行：.venv/bin/pip install -c constraints.txt -e ".[ocr]"',
        'not installed; if you want it: .venv/bin/pip install -c constraints.txt -e ".[ocr]"',
    ),
    "check_ocr_missing_how": Text(
        '运行：.venv/bin/pip install -c constraints.txt -e ".[ocr]"，'
        '或把 [ocr] enabled 设为 "auto"',
        'run: .venv/bin/pip install -c constraints.txt -e ".[ocr]", or set [ocr] enabled to "auto"',
    ),
    "check_ocr_reads": Text(
        "可以识别，一张空白图用了 {seconds} 秒", "an empty picture took {seconds} s"
    ),
    "check_ocr_fails": Text("装了，但用不了（{why}）", "installed, but it does not read ({why})"),
    "check_ocr_fails_how": Text(
        "看看内存够不够（大约要 1 GB），或重新安装它",
        "see whether there is memory for it (about 1 GB), or install it anew",
    ),
    "check_heic": Text("HEIC 照片", "HEIC photos"),
    "check_heic_missing": Text(
        "没有安装，会请人改发 JPEG；"
        '需要时运行：.venv/bin/pip install -c constraints.txt -e ".[heic]"',
        "not installed, people are asked to send a JPEG; if you want it:"
        ' .venv/bin/pip install -c constraints.txt -e ".[heic]"',
    ),
    "check_heic_on": Text("可以打开", "can be opened"),
    "check_guards": Text("审核模型", "guards"),
    "check_guards_off": Text(
        "没有设置，只有 [safety] 的词表和规则在工作；见 [guards] models",
        "none, the lists and patterns of [safety] work alone; see [guards] models",
    ),
    "check_guards_itself": Text("{name}：由主模型回答", "{name}: the model itself"),
    "check_guards_unfetched": Text(
        "{name}：模型会在第一次启动时下载", "{name}: its model is fetched at the first start"
    ),
    "check_guards_unusable": Text("{name}：{why}", "{name}: {why}"),
    "check_guards_key": Text("{name}：它不接受密钥", "{name}: the key is refused"),
    "check_guards_key_how": Text("设置 {variable}", "set {variable}"),
    "check_guards_fail": Text("{name}：{why}", "{name}: {why}"),
    "check_guards_fail_how": Text(
        "看看它的地址、密钥、model 和 timeout_s；在修好之前，按它的 fails 设置放行或拦下",
        "check its address, key, model and timeout_s; until then it lets through or blocks, as its"
        " fails says",
    ),
    "check_guard_timeout": Text("没有及时回答", "it did not answer in time"),
    "check_guard_unreachable": Text("连接不上", "it cannot be reached"),
    "check_guard_refused": Text("它拒绝了请求", "it refused the request"),
    "check_guard_answer": Text("它的回答看不懂", "its answer cannot be understood"),
    "check_guard_broken": Text("它出错了", "it broke"),
    "check_telegram_off": Text(
        "设置 VISIONBOT_TELEGRAM__TOKEN 后启用", "set VISIONBOT_TELEGRAM__TOKEN"
    ),
    "check_telegram_on": Text("令牌属于 @{name}", "the token belongs to @{name}"),
    "check_telegram_how": Text(
        "看看 @BotFather 给的令牌对不对，本机能不能访问 {address}",
        "compare the token with the one of @BotFather, and see whether this machine reaches"
        " {address}",
    ),
    "check_matrix_how": Text(
        "看看 [matrix] user 和密码对不对，本机能不能访问 {address}",
        "check [matrix] user and the password, and see whether this machine reaches {address}",
    ),
    "check_matrix_off": Text("设置 [matrix] homeserver 后启用", "set [matrix] homeserver"),
    "check_matrix_on": Text("服务器认得我们：{name}", "the homeserver knows us as {name}"),
    "check_matrix_missing": Text("没有安装 matrix-nio", "matrix-nio is missing"),
    "check_matrix_missing_how": Text(
        '运行：.venv/bin/pip install -c constraints.txt -e ".[matrix]"',
        'run: .venv/bin/pip install -c constraints.txt -e ".[matrix]"',
    ),
    "check_service_off": Text("设置 [service] staff_chat 后启用", "set [service] staff_chat"),
    "check_service_on": Text("工作人员在 {chat}", "the staff are in {chat}"),
    "check_service_platform_off": Text(
        "[service] {setting} 是 {chat}，但 {platform} 没有启用",
        "[service] {setting} is {chat}, but {platform} is off",
    ),
    "check_service_platform_off_how": Text(
        "启用 {platform}，或者改 [service] {setting}",
        "turn {platform} on, or set another [service] {setting}",
    ),
    "check_late": Text("{limit} 秒内没有结果", "no result within {limit} s"),
    "check_late_how": Text("检查网络后再试", "check the network and try again"),
    "check_broken": Text("检查时出了错：{error}", "looking at it failed: {error}"),
}
