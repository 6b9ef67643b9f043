"""What the engine is told at its start; the [engine] section of config.toml has the same names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class EngineSettings:
    model: str  # a folder with a checkpoint, or a hub id
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1"
    dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    max_sequences: int = 8
    max_context_tokens: int = 8192
    page_tokens: int = 16
    kv_memory_mb: int = 0  # 0: enough for four full contexts, as far as the device has it
    pages: int = 0  # above 0: so many, whatever kv_memory_mb is; not in config.toml
    step_tokens: int = 2048
    start_timeout_s: float = 600.0
    step_timeout_s: float = 60.0
