"""From the [engine] and [pictures] sections to a Service; imports no torch, the engine does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from inference.earlier.answers import Answers
from inference.engine.base import Engine
from inference.engine.local import LocalEngine
from inference.engine.model.checkpoint import check_place
from inference.engine.remote import RemoteEngine, RemoteSettings
from inference.engine.server.client import Timings
from inference.engine.settings import EngineSettings
from inference.fallback import Fallback
from inference.images.decode import Decoder, PicturesSection
from inference.images.keeping import Covering
from inference.images.reading import TextReader
from inference.safety.guards.guard import Guards
from inference.safety.safety import Safety
from inference.service import Prepared, Service

_DEMO = Path(__file__).parent / "demo" / "weights"
_OF_REMOTE = {"kind", "base_url", "api_key"}


class EngineSection(BaseModel, extra="forbid", frozen=True):
    """`[engine]`; with kind "remote", what is about the device and its memory has no effect."""

    kind: Literal["local", "remote"] = "local"
    base_url: str = Field("", pattern=r"^(https?://[^\s/@?#]+(/[^\s?#]*)?)?$")
    api_key: SecretStr = SecretStr("")
    model: str = Field("demo", min_length=1)
    device: str = "auto"
    dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    quantize: Literal["none", "int8", "int4"] = "none"
    kv_dtype: Literal["auto", "int8", "fp8"] = "auto"
    attention: Literal["auto", "flash_attn", "varlen", "gather"] = "auto"
    cuda_graphs: bool = True
    max_sequences: int = Field(8, ge=1, le=256)
    max_per_person: int = Field(4, ge=0, le=256)
    max_context_tokens: int = Field(8192, ge=256, le=131_072)
    page_tokens: int = Field(16, ge=1, le=256)
    kv_memory_mb: int = Field(0, ge=0)
    host_memory_mb: int = Field(-1, ge=-1)
    share_prefixes: Literal["tenant", "person"] = "tenant"
    step_tokens: int = Field(0, ge=0, le=65_536)
    start_timeout_s: float = Field(600.0, ge=1.0)
    step_timeout_s: float = Field(60.0, ge=1.0)
    answer_timeout_s: float = Field(600.0, ge=1.0)

    @field_validator("device")
    @classmethod
    def _is_device(cls, value: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", value):
            raise ValueError(
                'must be "auto", "cpu", "cuda" or one of several cards, such as "cuda:1"'
            )
        return value

    @field_validator("api_key")
    @classmethod
    def _fits_into_a_header(cls, key: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[!-~]*", key.get_secret_value()):
            raise ValueError("must be printable ASCII without spaces")
        return key

    @model_validator(mode="after")  # what depends on the device is for the engine to refuse
    def _is_possible(self) -> EngineSection:
        for impossible, what in self._contradictions():
            if impossible:
                raise ValueError(what)
        return self

    def _contradictions(self) -> list[tuple[bool, str]]:
        return [
            (
                self.kind == "remote" and not self.base_url,
                'kind is "remote", but base_url is empty; set it to the address of the'
                ' server, such as "http://127.0.0.1:8000/v1"',
            ),
            (
                self.kind == "local" and bool(self.base_url),
                'base_url is set, but kind is "local"; set kind = "remote" or leave base_url empty',
            ),
            (
                0 < self.step_tokens < self.max_sequences,
                f"step_tokens is {self.step_tokens}, but must be at least max_sequences,"
                f" {self.max_sequences}: each running answer needs one token of a step",
            ),
        ]

    @property
    def title(self) -> str:
        """For people: which model, and where."""
        if self.kind == "local":
            return self.model
        return f"{self._served_model or 'the model'} at {self.base_url}"

    def local(self) -> EngineSettings:
        values = self.model_dump(exclude=_OF_REMOTE)
        return EngineSettings(**values | {"model": resolve_model(self.model)})

    def remote(self) -> RemoteSettings:
        return RemoteSettings(
            base_url=self.base_url,
            model=self._served_model,
            api_key=self.api_key.get_secret_value(),
            max_sequences=self.max_sequences,
            max_context_tokens=self.max_context_tokens,
            share_prefixes=self.share_prefixes,
            start_timeout_s=self.start_timeout_s,
            timings=Timings(between_tokens_s=self.step_timeout_s),
        )

    @property
    def _served_model(self) -> str:
        """Empty: the only one that the server offers; the demo model is no server's."""
        return "" if self.model == EngineSection.model_fields["model"].default else self.model


def build_service(
    engine: EngineSection | Engine,
    pictures: PicturesSection,
    *,
    prepared: Prepared | None = None,
    safety: Safety | None = None,
    answers: Answers | None = None,
    fallback: Fallback | None = None,
    guards: Guards | None = None,
    reader: TextReader | None = None,
    covering: Covering | None = None,
) -> Service:
    """Nothing runs yet: Service.start does that. Raises ModelUnusable."""
    return Service(
        build_engine(engine) if isinstance(engine, EngineSection) else engine,
        Decoder(pictures),
        prepared=prepared,
        safety=safety,
        answers=answers,
        fallback=fallback,
        guards=guards,
        reader=reader,
        covering=covering,
    )


def build_engine(section: EngineSection) -> Engine:
    """Raises ModelUnusable when there is no such folder, which its process would need long to
    say."""
    if section.kind == "remote":
        return RemoteEngine(section.remote())
    settings = section.local()
    check_place(settings.model)
    return LocalEngine(settings)


def resolve_model(model: str) -> str:
    """ "demo" and folders become absolute paths; anything else is a hub id and stays as it is."""
    if model == "demo":
        return str(_DEMO)
    folder = Path(model).expanduser()
    return str(folder.resolve()) if folder.is_dir() else model
