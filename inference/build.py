"""From the [engine] and [pictures] sections to a Service; imports no torch, the engine does."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from inference.engine.local import LocalEngine
from inference.engine.settings import EngineSettings
from inference.images.decode import Decoder, PicturesSection
from inference.service import Service

_DEMO = Path(__file__).parent / "demo" / "weights"


class EngineSection(BaseModel, extra="forbid", frozen=True):
    model: str = Field("demo", min_length=1)
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    max_sequences: int = Field(8, ge=1, le=256)
    max_context_tokens: int = Field(8192, ge=256, le=131_072)
    page_tokens: int = Field(16, ge=1, le=256)
    kv_memory_mb: int = Field(0, ge=0)
    step_tokens: int = Field(2048, ge=16, le=65_536)
    start_timeout_s: float = Field(600.0, ge=1.0)
    step_timeout_s: float = Field(60.0, ge=1.0)


def build_service(engine: EngineSection, pictures: PicturesSection) -> Service:
    """Nothing runs yet: Service.start does that."""
    settings = EngineSettings(**engine.model_dump() | {"model": resolve_model(engine.model)})
    return Service(LocalEngine(settings), Decoder(pictures))


def resolve_model(model: str) -> str:
    """ "demo" and folders become absolute paths; anything else is a hub id and stays as it is."""
    if model == "demo":
        return str(_DEMO)
    folder = Path(model).expanduser()
    return str(folder.resolve()) if folder.is_dir() else model
