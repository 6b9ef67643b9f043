"""What a message carries: photos, also those sent as files, and all other files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from telegram import (
    Animation,
    Audio,
    Document,
    ExternalReplyInfo,
    Message,
    Video,
    VideoNote,
    Voice,
)

from bot.event import Attachment
from bot.platforms.telegram.words import clean

Content = Message | ExternalReplyInfo
_File = Animation | Audio | Document | Video | VideoNote | Voice

_DOWNLOAD_LIMIT = 20 * 1024 * 1024  # getFile refuses larger ones
_PICTURE_ENDS = {  # HEIC among them: a sentence tells how to resend what cannot be read here
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".avif": "image/avif",
}
_PICTURE_TYPES = frozenset(_PICTURE_ENDS.values())
_UNTOLD = frozenset({None, "", "application/octet-stream"})  # some apps do not look


def photos_of(content: Content) -> tuple[Attachment, ...]:
    """The largest of the sizes that we may fetch, or the one picture that came as a file."""
    if (document := content.document) is not None:
        picture = _picture_type(document)
        return (_attachment(document, picture),) if picture else ()
    fitting = [size for size in content.photo or () if (size.file_size or 0) <= _DOWNLOAD_LIMIT]
    if not fitting:
        return ()
    best = max(fitting, key=lambda size: size.width * size.height)
    return (Attachment(clean(best.file_id), "image/jpeg", _bytes_of(best.file_size)),)


def files_of(content: Content) -> tuple[Attachment, ...]:
    return tuple(_attachment(file, clean(_media_type(file))) for file in _files(content))


def _files(content: Content) -> Iterator[_File]:
    told = content.animation or content.document  # an animation is told a second time
    if told is not None and not (content.document and _picture_type(content.document)):
        yield told
    yield from (
        file
        for file in (content.audio, content.video, content.video_note, content.voice)
        if file is not None
    )


def _picture_type(document: Document) -> str:
    """Empty: it is none that the model can look at."""
    if document.mime_type in _PICTURE_TYPES:
        return document.mime_type or ""
    if document.mime_type not in _UNTOLD:
        return ""
    return _PICTURE_ENDS.get(PurePath(document.file_name or "").suffix.lower(), "")


def _media_type(file: _File) -> str:
    return "video/mp4" if isinstance(file, VideoNote) else file.mime_type or ""


def _attachment(file: _File, media_type: str) -> Attachment:
    name = "" if isinstance(file, VideoNote | Voice) else clean(file.file_name or "")
    return Attachment(clean(file.file_id), media_type, _bytes_of(file.file_size), name)


def _bytes_of(size: object) -> int:
    """0: not told, or told as what is no size; the file itself is measured as it comes."""
    return size if isinstance(size, int) and size > 0 else 0
