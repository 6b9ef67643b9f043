"""What the page's own requests can be refused for, with the sentence people read.

PageError     a request that is refused; `code` is a key of FAULTS
└── BadPhoto  a photo cannot be used; who looked at it says why
"""

from __future__ import annotations

from dataclasses import dataclass


class PageError(Exception):
    """`numbers` fill the sentence; `photo` among them tells which one it is about, from 1, and
    `seconds` when it may be tried again."""

    def __init__(self, code: str, **numbers: float) -> None:
        super().__init__(code)
        self.code, self.numbers = code, numbers


class BadPhoto(PageError):
    """`zh` and `en`: what is wrong with it, and what to do. `photo` as in PageError."""

    def __init__(self, zh: str, en: str, *, photo: int = 1) -> None:
        super().__init__("bad_photo", photo=photo)
        self.zh, self.en = zh, en


@dataclass(frozen=True, slots=True)
class Fault:
    status: int
    zh: str
    en: str
    retry_after_s: int = 0  # 0: repeating it as it is will not help


FAULTS = {
    "starting": Fault(
        503,
        "程序正在启动，请过几秒再试。",
        "The program is starting. Please try again in a few seconds.",
        retry_after_s=2,
    ),
    "not_kept": Fault(
        503,
        "这个问题没能保存下来，请再试一次。",
        "The question could not be kept. Please try again.",
        retry_after_s=2,
    ),
    "no_room": Fault(
        503,
        "服务器的磁盘满了，现在不能接收新的内容。已收到的都还在；请过几分钟再试。",
        "The server's disk is full, so nothing new can be taken in. What was sent before is kept; "
        "please try again in a few minutes.",
        retry_after_s=30,
    ),
    "not_now": Fault(
        503,
        "数据库暂时连不上，这次没有保存。请过一会儿再试。",
        "The database cannot be reached at the moment, and nothing was kept. Please try again "
        "shortly.",
        retry_after_s=5,
    ),
    "crowded": Fault(
        503,
        "现在同时使用的人太多，请稍后再试。",
        "Too many people are here at the moment. Please try again shortly.",
        retry_after_s=5,
    ),
    "no_visitor": Fault(
        401,
        "页面的身份已经失效，请刷新页面。",
        "This page is no longer known here. Please reload it.",
    ),
    "signed_out": Fault(
        401,
        "请先输入访问码。",
        "Please enter the access code first.",
    ),
    "wrong_code": Fault(
        401,
        "访问码不对，请检查后再输入一次。",
        "This is not the access code. Please check it and type it again.",
    ),
    "locked": Fault(
        429,
        "输错的次数太多，请过 {seconds} 秒再试。",
        "Too many wrong codes. Please try again in {seconds} seconds.",
    ),
    "no_code_here": Fault(
        404,
        "这里不需要访问码，请刷新页面。",
        "No access code is needed here. Please reload the page.",
    ),
    "no_header": Fault(
        401,
        "没有收到你的登录信息。请从你单位的登录入口打开本页面。",
        "We were not told who you are. Please open this page by way of your organisation's "
        "sign-in.",
    ),
    "unproven": Fault(
        403,
        "页面打开得太久了，请刷新后再试。",
        "This page has been open for too long. Please reload it and try again.",
    ),
    "origin": Fault(
        403,
        "这个请求不是从本页面发出的，已拒绝。",
        "This request did not come from our own page and was refused.",
    ),
    "host": Fault(
        421,
        "不能用这个域名访问：程序只在本机监听。请用 http://127.0.0.1，或让反向代理改写 Host。",
        "This name is not ours: the program listens on this machine only. Use http://127.0.0.1, "
        "or let your reverse proxy set the Host header.",
    ),
    "malformed": Fault(
        400,
        "没能读懂这个请求，请刷新页面后再试。",
        "The request could not be understood. Please reload the page and try again.",
    ),
    "empty": Fault(
        400,
        "请写下问题，或者放一张照片。",
        "Please write a question or add a photo.",
    ),
    "text_too_long": Fault(
        413,
        "问题太长了，最多 {limit} 个字。",
        "The question is too long; at most {limit} characters.",
    ),
    "too_many_photos": Fault(
        413,
        "一次最多放 {limit} 张照片。",
        "At most {limit} photos at a time.",
    ),
    "photo_too_large": Fault(
        413,
        "照片太大了，每张最多 {limit} MB。",
        "The photo is too large; at most {limit} MB each.",
    ),
    "body_too_large": Fault(
        413,
        "这些照片加起来太大了，一共最多 {limit} MB。",
        "The photos are too large together; at most {limit} MB in all.",
    ),
    # The next two say what the bot says about the same files on other platforms.
    "picture_empty": Fault(
        400,
        "收到的照片是空的，里面没有内容。请再发一次。",
        "The photo arrived empty. Please send it again.",
    ),
    "picture_format": Fault(
        415,
        "这个文件不是我能看的照片。请发 JPEG、PNG、WebP、GIF 或 TIFF。",
        "This file is no photo I can read. Please send a JPEG, PNG, WebP, GIF or TIFF.",
    ),
    "bad_photo": Fault(  # BadPhoto has better words
        415,
        "这张照片用不了，请换一张。",
        "This photo cannot be used. Please take another one.",
    ),
    "too_slow": Fault(
        408,
        "照片传得太慢，已超过 {limit} 秒。请少放几张照片，或者换个网络再试。",
        "Sending took longer than {limit} seconds. Please send fewer photos, or try again on a "
        "faster network.",
    ),
    "not_found": Fault(
        404,
        "没有这张照片。",
        "There is no such photo.",
    ),
    "temperature": Fault(
        400,
        "温度是 {value}，但要在 {least} 到 {most} 之间。",
        "The temperature is {value}, but must be between {least} and {most}.",
    ),
    "top_p": Fault(
        400,
        "top-p 是 {value}，但要在 {least} 到 {most} 之间。",
        "Top-p is {value}, but must be between {least} and {most}.",
    ),
    "max_tokens": Fault(
        400,
        "回答最长 {value} 个 token，但要在 {least} 到 {most} 之间。",
        "The longest answer is {value} tokens, but must be between {least} and {most}.",
    ),
    "no_button": Fault(
        409,
        "这个按钮已经不能用了。",
        "This button cannot be used any more.",
    ),
    "no_entry": Fault(
        404,
        "没有这条记录，可能已经删除了。",
        "There is no such entry; it may have been deleted.",
    ),
    "still_open": Fault(
        409,
        "还有问题正在回答。请等它答完，或者先按“停止”，再删除。",
        "A question is still being answered. Please wait for it or press Stop, then delete.",
    ),
    "dates": Fault(
        400,
        "日期没能读懂，请重新选择。",
        "The dates could not be understood. Please choose them again.",
    ),
    "search_too_long": Fault(
        400,
        "搜索的词太长了，最多 {limit} 个字。",
        "The search is too long; at most {limit} characters.",
    ),
}
