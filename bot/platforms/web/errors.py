"""What the page's own requests can be refused for, with the sentence people read.

PageError   a request that is refused; `code` is a key of FAULTS
"""

from __future__ import annotations

from dataclasses import dataclass


class PageError(Exception):
    """`numbers` fill the sentence; `photo` among them tells which one it is about, from 1."""

    def __init__(self, code: str, **numbers: int) -> None:
        super().__init__(code)
        self.code, self.numbers = code, numbers


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
        "这个文件不是我能看的照片。请发 JPEG、PNG 或 WebP。",
        "This file is no photo I can read. Please send a JPEG, PNG or WebP.",
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
}
