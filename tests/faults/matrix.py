"""The rows of the fault matrix: what goes wrong, and what must happen then, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Said(NamedTuple):
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Row:
    fault: Said
    expected: Said
    without: str = ""  # the part that it concerns and that does not exist yet


INVARIANTS = {
    "I1": Said("what is acknowledged to a platform was committed before", "向平台确认之前已经提交"),
    "I2": Said(
        "one row for each message of a chat, by a unique key", "聊天里每条消息一行，由唯一键保证"
    ),
    "I3": Said(
        "each accepted message comes to exactly one end, and its person knows it",
        "每条收下的消息恰有一个结局，本人知道",
    ),
    "I4": Said(
        "at most one answer to a question; the message's id is kept before it is edited",
        "一个问题至多一个回答；消息编号先保存再编辑",
    ),
    "I5": Said(
        "nothing is tried more than three times; a try is counted before it is made",
        "最多试三次；先计数再尝试",
    ),
    "I6": Said("every queue, buffer and cache has a bound", "每个队列、缓冲、缓存都有上限"),
    "I7": Said(
        "no secret in a log, an error, a trace or an address of ours",
        "日志、错误、追踪、地址里没有秘密",
    ),
    "I8": Said(
        "nothing privileged is decided by words or names, only by numbers from the settings",
        "特权只看设置里的编号，不看文字、名字、标题",
    ),
    "I9": Said(
        "within the process clocks are monotonic; across processes the database's time counts",
        "进程内用单调时钟；进程之间以数据库的时间为准",
    ),
    "I10": Said(
        "a part that ends, ends the program; /health tells how old each sign of life is",
        "一部分停了，程序就停；/health 说明每个生命迹象有多旧",
    ),
}

ROWS = {
    1: Row(
        Said("200 people at once, room for 64", "200 人同时来，队伍只容 64 人"),
        Said(
            "64 answered; the others are told at once, about how long",
            "64 人得到回答；其余的人立刻被告知大约要等多久",
        ),
    ),
    2: Row(
        Said("one person sends 50 photos", "一个人发 50 张照片"),
        Said("three wait, others do not wait longer for it", "只排三张，别人不因此多等"),
    ),
    3: Row(
        Said("one very long question among short ones", "很长的问题夹在短问题中间"),
        Said("the short ones are answered meanwhile", "短问题照常得到回答"),
    ),
    4: Row(
        Said("thousands of open streams", "成千上万条打开的流"),
        Said(
            "refused politely; the bots are alive, no descriptor is lacking",
            "有礼貌地拒绝；机器人照常工作，描述符不耗尽",
        ),
    ),
    5: Row(
        Said("ten minutes of new photos", "十分钟不断的新照片"),
        Said("memory, tasks and files stay flat", "内存、任务、文件都不增长"),
    ),
    6: Row(
        Said("somebody waits beyond the deadline", "有人等过了期限"),
        Said("told, and the model is not asked any more", "告诉他，不再问模型"),
    ),
    7: Row(
        Said("27 MB of words; 40 megapixels", "27 MB 的文字；四千万像素"),
        Said("the loop and /health answer meanwhile", "事件循环和 /health 照常应答"),
    ),
    8: Row(
        Said("killed before the message is committed", "消息提交之前被杀"),
        Said("it comes again and is answered once", "消息再次到来，只回答一次"),
    ),
    9: Row(
        Said("killed after that, before the platform knows", "提交之后、平台得知之前被杀"),
        Said("it comes again and is dropped", "消息再次到来，被丢弃"),
    ),
    10: Row(
        Said("killed while it waits or is being answered", "排队或回答途中被杀"),
        Said("goes on in the same message", "在同一条消息里继续"),
    ),
    11: Row(
        Said("killed between the first send and its id", "首次发送之后、记下编号之前被杀"),
        Said("at most one orphan, one answer", "至多留下一条孤儿消息，只有一个回答"),
    ),
    12: Row(
        Said("killed between the last edit and the end", "最后一次编辑之后、结束之前被杀"),
        Said("the same edit again, one answer", "同样的编辑再做一次，只有一个回答"),
    ),
    13: Row(
        Said("a message that kills whoever tries it", "谁处理谁崩溃的消息"),
        Said("given up after three, told; others are served", "试三次后放弃并告知；其他人照常"),
    ),
    14: Row(
        Said("SIGTERM while busy, and again", "忙碌时收到 SIGTERM，再来一次"),
        Said("finished or kept for the next start; exit 0", "做完或留给下次启动；退出码 0"),
    ),
    15: Row(
        Said("start with 500 to answer", "启动时有 500 条待答"),
        Said("in order, paced; what is too old is told so", "按顺序、按限速；太旧的会告知"),
    ),
    16: Row(
        Said("a part of the program ends", "程序的某一部分停了"),
        Said(
            "the program ends, or the part comes back; /health is red",
            "程序退出，或该部分恢复；/health 变红",
        ),
    ),
    17: Row(
        Said("429 with 35 s on an edit", "编辑时收到 429，要等 35 秒"),
        Said(
            "nothing to that chat before; others go on; the end arrives",
            "期限前不再打扰该聊天；别人照常；结尾照样送到",
        ),
    ),
    18: Row(
        Said("429 with 13,938 s", "429，要等 13,938 秒"),
        Said("parked, operators are told, also after a restart", "搁置并告知管理员，重启后也一样"),
    ),
    19: Row(
        Said("5xx, HTML, an empty body", "5xx、HTML、空内容"),
        Said("repeated, with pauses, without an end of the program", "停顿后重试，程序不因此退出"),
    ),
    20: Row(
        Said("sent, but the reply is lost", "已发送，但应答丢失"),
        Said("no second answer", "不会有第二个回答"),
    ),
    21: Row(
        Said("no DNS, no connection, no place in the pool", "域名、连接、连接池都不行"),
        Said("repeated, since nothing was sent", "重试，因为什么也没发出去"),
    ),
    22: Row(
        Said("reset in mid-reply, in mid-photo", "应答或照片传到一半被重置"),
        Said("repeated; half a file is no file", "重试；半个文件不算文件"),
    ),
    23: Row(
        Said(
            "not modified; bad markup; too long; message gone",
            "没有变化；格式错误；太长；消息不见了",
        ),
        Said(
            "success; plain, once; cut; sent anew, once", "算成功；改用纯文本一次；切开；重新发一次"
        ),
    ),
    24: Row(
        Said("blocked, kicked, deleted", "被屏蔽、被踢、账号注销"),
        Said("undeliverable, and the model stops", "无法送达，模型停下"),
    ),
    25: Row(
        Said("the group becomes a supergroup", "群升级为超级群"),
        Said("the answer arrives in the new one", "回答送到新群"),
    ),
    26: Row(
        Said("the token is revoked", "令牌被吊销"),
        Said(
            "that platform waits, operators are told, the others live",
            "该平台等待并告知管理员，其他平台照常",
        ),
    ),
    27: Row(
        Said("a second poller with our token", "另一个程序用我们的令牌收消息"),
        Said("told; goes on by itself when it is gone", "告知；对方走后自动恢复"),
    ),
    28: Row(
        Said("repeated, reordered, late webhooks", "回调重复、乱序、迟到"),
        Said("each once, in the order of the chat", "每条一次，按聊天中的顺序"),
    ),
    29: Row(
        Said("a webhook without the secret, or with a wrong one", "回调没有密钥，或密钥不对"),
        Said("refused; none configured: no start", "拒绝；没配置密钥就不启动"),
    ),
    30: Row(
        Said("slow database during a callback with a deadline", "有时限的回调遇上慢数据库"),
        Said("acknowledged in time or refused", "按时确认或拒绝"),
        "Feishu, Slack, DingTalk",
    ),
    31: Row(
        Said(
            "Matrix: killed after the token; gaps; repeated sends",
            "Matrix：记下令牌后被杀；缺口；重复发送",
        ),
        Said("nothing lost, one event", "不丢失，只有一个事件"),
    ),
    32: Row(
        Said("gateway session invalid, heartbeats missed", "网关会话失效、心跳丢失"),
        Said("connects again and catches up", "重新连接并补上"),
        "Discord",
    ),
    33: Row(
        Said("a day without the platform, or without us", "平台或我们中断了一天"),
        Said("kept; what is too old ends with a word", "都保留；太旧的会说一声再结束"),
    ),
    34: Row(
        Said("out of memory in a step", "某一步内存不足"),
        Said(
            "one fails or is tried smaller; the others finish", "一个失败或缩小后重试；其他的做完"
        ),
    ),
    35: Row(
        Said("an exception in one question", "某个问题抛出异常"),
        Said("it alone fails; the next is the same to the bit", "只有它失败；下一个分毫不差"),
    ),
    36: Row(
        Said("numbers that are none", "数值不是数"),
        Said("it stops with an error, nothing is made up", "报错停止，绝不编造"),
    ),
    37: Row(
        Said("a step that never ends", "某一步永远不结束"),
        Said("the engine is started anew; its questions go on", "引擎重新启动；它的问题继续"),
    ),
    38: Row(
        Said("an error that stays with the card", "显卡上不会消失的错误"),
        Said("no try in the same process; a new one", "不在原进程里重试；换新进程"),
    ),
    39: Row(Said("an answer without an end", "没完没了的回答"), Said("it is ended", "被结束")),
    40: Row(
        Said("the reader leaves, Stop, a deleted message", "读者离开、停止、消息被删"),
        Said("the engine stops within a step", "引擎一步之内停下"),
    ),
    41: Row(
        Said("weights missing or damaged", "权重缺失或损坏"),
        Said("a clear message, no start", "说明白，不启动"),
    ),
    42: Row(
        Said("the database is locked for ten seconds", "数据库被锁十秒"),
        Said("taken in later; the loop goes on", "稍后收下；事件循环照常"),
    ),
    43: Row(
        Said("the disk is full", "磁盘满了"),
        Said("nothing is acknowledged; recovers by itself", "什么都不确认；自行恢复"),
    ),
    44: Row(
        Said("fsync fails", "fsync 失败"),
        Said("not acknowledged; the program ends, and starts anew", "不确认；程序退出并重新启动"),
    ),
    45: Row(
        Said("a damaged page or log", "页或日志损坏"),
        Said("refused, the backup named, nothing made anew", "拒绝，指出备份，绝不悄悄重建"),
    ),
    46: Row(
        Said("killed in a migration; an old program, a new schema", "迁移途中被杀；旧程序遇新结构"),
        Said("whole or not at all; refused", "要么全部要么没有；拒绝"),
    ),
    47: Row(
        Said("backup under load, and back", "高负载下备份再恢复"),
        Said("one moment, whole", "同一时刻，完整"),
    ),
    48: Row(
        Said("PostgreSQL starts anew; a lost lease", "PostgreSQL 重启；租约丢失"),
        Said("goes on; who lost it writes nothing", "继续；丢了租约的什么也写不了"),
    ),
    49: Row(
        Said("the clock jumps a day", "时钟跳了一天"),
        Said("waits, leases and retention do not", "等待、租约、保留期都不跳"),
    ),
    50: Row(
        Said("two programs at once", "两个程序同时运行"),
        Said(
            "the second refuses, or shares; never two answers",
            "第二个拒绝启动，或分担；绝不回答两次",
        ),
    ),
    51: Row(
        Said("pictures that are bombs", "炸弹图片"),
        Said("refused at once, in a child of bounded memory", "立刻在内存受限的子进程里拒绝"),
    ),
    52: Row(
        Said("broken and odd pictures", "损坏和古怪的图片"),
        Said("refused or turned into ordinary ones", "拒绝，或变成普通图片"),
    ),
    53: Row(
        Said("orders in a picture or caption", "图片或说明里的命令"),
        Said("words like any others", "和别的文字一样"),
    ),
    54: Row(
        Said("the model's own marks in words", "文字里出现模型自己的标记"),
        Said("letters like any others", "和别的字一样"),
    ),
    55: Row(
        Said("endless, broken, invisible words", "无尽、残缺、看不见的文字"),
        Said("kept and shown without harm", "安全地保存和显示"),
    ),
    56: Row(
        Said("an answer with HTML, scripts, links, pings", "回答里有 HTML、脚本、链接、点名"),
        Said("shown as letters", "只作为文字显示"),
    ),
    57: Row(
        Said("orders from those who may not give them", "没有权限的人下命令"),
        Said("refused in silence, and written down", "默默拒绝并记录"),
    ),
    58: Row(
        Said("slow, huge, packed and endless requests", "缓慢、巨大、压缩、无尽的请求"),
        Said("ended in time; others are served", "按时结束；其他人照常"),
    ),
    59: Row(
        Said("broken requests, keys, addresses, names", "残缺的请求、密钥、地址、名字"),
        Said("an error of the API's own shape, never 5xx", "以 API 自己的格式报错，绝无 5xx"),
    ),
    60: Row(
        Said("secrets and private words in logs, copies, tables", "日志、副本、表格里的秘密和私语"),
        Said("none; forgotten is forgotten", "没有；忘记就是忘记"),
    ),
}
