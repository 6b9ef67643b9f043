"""What the engine is told at its start; the [engine] section of config.toml has the same names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class EngineSettings:
    model: str  # a folder with a checkpoint, or a hub id
    device: str = "auto"  # "auto", "cpu", "cuda", "cuda:1"
    dtype: Literal["auto", "bfloat16", "float32"] = "auto"
    quantize: Literal["none", "int8", "int4"] = "none"  # the weights
    kv_dtype: Literal["auto", "int8", "fp8"] = "auto"  # keys and values; auto: as the weights
    attention: Literal["auto", "flash_attn", "varlen", "gather"] = "auto"
    cuda_graphs: bool = True
    max_sequences: int = 8
    max_per_person: int = 4  # of one person at the same time; 0: no limit
    max_context_tokens: int = 8192
    page_tokens: int = 16
    kv_memory_mb: int = 0  # 0: on a GPU what a trial step leaves free, else four full contexts
    host_memory_mb: int = -1  # for evicted pages; -1: chosen on a GPU, none on a CPU
    share_prefixes: Literal["tenant", "person"] = "tenant"  # who finds whose pages
    pages: int = 0  # above 0: so many, whatever kv_memory_mb is; not in config.toml
    log_level: int = 30  # of logging: what its process writes at all; not in config.toml
    step_tokens: int = 0  # 0: chosen for the device
    start_timeout_s: float = 600.0
    step_timeout_s: float = 60.0
    answer_timeout_s: float = 600.0  # from its first token; then it ends as if it were too long
