"""A picture classifier in a process of its own, which has torch; scores become findings here."""

from __future__ import annotations

import asyncio
import json
import re
import struct
from dataclasses import asdict, dataclass
from pathlib import Path

from inference.children import ChildDied, Children, NoChild
from inference.errors import ModelUnusable
from inference.request import Picture
from inference.safety.guards.guard import Finding, GuardFailed
from inference.safety.verdict import Context

_SIDES = struct.Struct(">II")
_START_S = 120.0  # until torch and the model are loaded
_MOST_AT_ONCE = 4  # in the child or before it, those that were given up too
_MAX_BODY = 1 << 20  # bytes; a thousand labels take far less
_PICTURES_PER_CHILD = 10_000
_FETCHED = ("*.json", "*.safetensors")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    model: str  # a folder, or a hub id
    labels: dict[str, str]  # of the model, by our categories
    threads: int


@dataclass(frozen=True, slots=True)
class _Order:
    """What the child is told at its start."""

    folder: str
    threads: int


class Classifier:
    """One picture at a time. After a time-out it is loaded anew, while others have to wait."""

    def __init__(self, settings: ClassifierSettings, *, timeout_s: float) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._children: Children | None = None
        self._looks: set[asyncio.Task[tuple[bytes, bytes]]] = set()
        self._seats = asyncio.Semaphore(_MOST_AT_ONCE)
        self._version = settings.model

    @property
    def version(self) -> str:
        return self._version

    async def start(self) -> None:
        """Fetches the model, loads it and looks at one picture. Raises ModelUnusable."""
        folder = await asyncio.to_thread(find_model, self._settings.model)
        self._version = f"{self._settings.model} {_revision(folder)}".strip()
        order = _Order(str(folder), self._settings.threads)
        self._children = Children(
            "inference.safety.guards.classifier",
            json.dumps(asdict(order)),
            most=1,
            jobs_each=_PICTURES_PER_CHILD,
            timeout_s=self._timeout_s,
            max_body=_MAX_BODY,
            start_timeout_s=_START_S,
        )
        try:
            kind, body = await self._children.ask(_job(Picture(1, 1, bytes(3))))
        except (TimeoutError, ChildDied, NoChild) as error:
            raise ModelUnusable(
                f"the classifier in {folder} does not answer ({type(error).__name__});"
                " give it a longer timeout_s, or the machine more memory"
            ) from error
        if kind == b"U":
            reason = body.decode("utf-8", "replace")
            raise ModelUnusable(
                f"the classifier in {folder} cannot be loaded ({reason}); name the folder or hub"
                " id of an image-classification model of transformers, with *.safetensors"
            )
        _check_labels(_parse_scores(kind, body), self._settings)

    async def look(self, what: str | Picture, context: Context) -> list[Finding]:
        assert isinstance(what, Picture)
        if self._children is None:
            raise GuardFailed("broken")
        await self._seats.acquire()  # given back by `_done`
        # a task of its own: a look given up must not end the loading that others wait for
        task = asyncio.create_task(self._children.ask(_job(what)))
        self._looks.add(task)
        task.add_done_callback(self._done)
        try:
            kind, body = await asyncio.shield(task)
        except TimeoutError:
            raise GuardFailed("timeout") from None
        except (ChildDied, NoChild) as error:
            raise GuardFailed("broken") from error
        return self._findings(_parse_scores(kind, body))

    async def close(self) -> None:
        """Looks that were given up end too."""
        for task in list(self._looks):
            task.cancel()
        await asyncio.gather(*self._looks, return_exceptions=True)
        if self._children is not None:
            await self._children.close()

    def _done(self, task: asyncio.Task[tuple[bytes, bytes]]) -> None:
        self._looks.discard(task)
        self._seats.release()
        if not task.cancelled():
            task.exception()  # told to whoever waited, if anybody still did

    def _findings(self, scores: dict[str, float]) -> list[Finding]:
        """Several labels of one category count together."""
        sums: dict[str, float] = {}
        for label, score in scores.items():
            if category := self._settings.labels.get(label):
                sums[category] = sums.get(category, 0.0) + score
        return [Finding(category, min(score, 1.0)) for category, score in sums.items()]


def find_model(model: str) -> Path:
    """Its folder; fetched, where it is a hub id. Raises ModelUnusable."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if not _HUB_ID.fullmatch(model):
        raise ModelUnusable(f"there is no folder {model}; model must name one, or a hub id")
    # imported here: a model in a folder needs no hub
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, allow_patterns=list(_FETCHED)))
    except Exception as error:  # the hub raises a dozen unrelated classes: network, disk, access
        raise ModelUnusable(
            f"there is no folder {model}, and fetching it from the hub failed: {error}; check the"
            " name and the network, or download the model and name its folder"
        ) from error


def is_fetched(model: str) -> bool:
    """False: a start would ask the hub for it first."""
    if Path(model).expanduser().is_dir() or not _HUB_ID.fullmatch(model):
        return True
    # imported here: a model in a folder needs no hub
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(model, "config.json"), str)


def _job(picture: Picture) -> bytes:
    return _SIDES.pack(picture.width, picture.height) + picture.rgb


def _parse_scores(kind: bytes, body: bytes) -> dict[str, float]:
    """Raises GuardFailed: a child that was taken over may send anything."""
    if kind != b"S":
        raise GuardFailed("broken")
    try:
        return {str(label): float(score) for label, score in json.loads(body).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise GuardFailed("answer") from error


def _check_labels(scores: dict[str, float], settings: ClassifierSettings) -> None:
    unknown = sorted(set(settings.labels) - set(scores))
    if unknown:
        raise ModelUnusable(
            f"labels names {', '.join(unknown)}, but {settings.model} tells only"
            f" {', '.join(sorted(scores)[:20])}; use those"
        )


def _revision(folder: Path) -> str:
    """The hub's commit; empty: a folder of the operator's own."""
    return folder.name[:12] if folder.parent.name == "snapshots" else ""
