"""The model: the only file that knows transformers' Glm4v. Loading, positions, pictures, logits."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from collections.abc import Sequence as Items
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.models.glm4v.modeling_glm4v import Glm4vForConditionalGeneration
from transformers.models.glm46v.image_processing_pil_glm46v import (
    Glm46VImageProcessorPil,
    smart_resize,
)
from transformers.utils import logging as transformers_logging

from inference.engine import attention
from inference.engine.checkpoint import find_checkpoint
from inference.engine.pictures import Embeddings
from inference.engine.prompt import Prompter
from inference.engine.sequence import Chunk, Prompt, Sequence, Span
from inference.engine.settings import EngineSettings
from inference.errors import ContextTooLong, ModelUnusable
from inference.request import ChatRequest, Picture, Sampling, Turn

log = logging.getLogger(__name__)

_FULL_CONTEXTS = 4  # what the pages hold when [engine] kv_memory_mb is 0
_MEMORY_SHARE = 0.5  # of what the device has free; the rest is for activations and others
_SMALL = 50_000_000  # parameters; below, threads wait for each other longer than they work
_HIDDEN = ("<|begin_of_box|>", "<|end_of_box|>")  # marks around final answers, not for people


class Glm4v:
    """Use `load`. Holds the weights and the pages of keys and values."""

    def __init__(self, model: Any, tokenizer: Any, images: Any, settings: EngineSettings) -> None:
        # Any: transformers' classes are untyped
        self._model, self._tokenizer, self._images = model, tokenizer, images
        self._prompter = Prompter(tokenizer, model.config.image_token_id, self._grid_of)
        self._embeddings = Embeddings(self._encode)
        self._hidden = set(tokenizer.convert_tokens_to_ids(_HIDDEN))
        self._cache, self.context_tokens = _make_cache(model, settings)
        self.ends = _end_tokens(model)

    @classmethod
    def load(
        cls, settings: EngineSettings, *, fetching: Callable[[], None] = lambda: None
    ) -> Glm4v:
        """Raises ModelUnusable. `fetching` as in find_checkpoint."""
        folder = find_checkpoint(settings.model, fetching=fetching)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
        device = _device(settings.device)
        cores = len(os.sched_getaffinity(0))
        torch.set_num_threads(max(1, cores - 1))  # one core is for whoever talks to people
        half = settings.dtype == "bfloat16" or (settings.dtype == "auto" and device.type == "cuda")
        weights = _load_weights(folder, torch.bfloat16 if half else torch.float32)
        model = _move(weights, device).eval()
        if sum(weight.numel() for weight in model.parameters()) < _SMALL:
            torch.set_num_threads(1)
        attention.register()
        model.set_attn_implementation({"text_config": attention.NAME, "vision_config": "sdpa"})
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            images = Glm46VImageProcessorPil.from_pretrained(folder)
        except Exception as error:  # transformers raises whatever a damaged file leads to
            raise ModelUnusable(
                f"the tokenizer or processor in {folder} cannot be loaded ({error}); download "
                "tokenizer.json, tokenizer_config.json and preprocessor_config.json again"
            ) from error
        if not tokenizer.chat_template:
            raise ModelUnusable(f"{folder} has no chat_template.jinja; download it again")
        loaded = cls(model, tokenizer, images, settings)
        if device.type == "cuda":
            loaded._try_out()
        return loaded

    @property
    def pages(self) -> int:
        return self._cache.shape[2]

    @property
    def page_tokens(self) -> int:
        return self._cache.shape[3]

    @property
    def pictures_encoded(self) -> int:
        return self._embeddings.encoded

    def prompt(self, request: ChatRequest) -> Prompt:
        """Raises ContextTooLong when not even one token of an answer fits behind it."""
        prompt = self._prompter.prompt(request.turns, thinking=request.thinking)
        if len(prompt.tokens) >= self.context_tokens:
            raise ContextTooLong(len(prompt.tokens), self.context_tokens)
        return prompt

    def measure(self, turn: Turn) -> int:
        return self._prompter.measure(turn)

    def decode(self, tokens: Items[int]) -> str:
        shown = [token for token in tokens if token not in self._hidden]
        text: str = self._tokenizer.decode(
            shown, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    @torch.inference_mode()
    def forward(self, chunks: Items[Chunk]) -> torch.Tensor:
        """Compute the chunks in one batch. Returns logits in float32, a row for each chunk that
        completes, in the order given."""
        ordered = attention.order(chunks)
        output = self._model.model.language_model(
            inputs_embeds=self._embed(ordered)[None],
            position_ids=self._positions(ordered)[:, None],
            use_cache=False,
            paged=attention.paged_batch(ordered, self._cache),
        )
        last_row = _last_rows(ordered)
        rows = [last_row[id(chunk.sequence)] for chunk in chunks if chunk.completes]
        logits: torch.Tensor = self._model.lm_head(output.last_hidden_state[0, rows])
        return logits.float()

    def _try_out(self) -> None:
        """Raises ModelUnusable when the device cannot run what the model is made of."""
        sequence = Sequence(0, Prompt((0, 0)), Sampling(), 0)
        sequence.pages = [0]
        try:
            self.forward([Chunk(sequence, 0, 1)])
            self.forward([Chunk(sequence, 0, 2)]).cpu()
        except Exception as error:  # kernels raise whatever their authors chose
            raise ModelUnusable(
                f"the model does not run on {self._cache.device} ({error}); set [engine] dtype to "
                '"float32" or device to "cpu"'
            ) from error

    def _embed(self, chunks: Items[Chunk]) -> torch.Tensor:
        tokens = [t for chunk in chunks for t in chunk.sequence.tokens[chunk.start : chunk.end]]
        table = self._model.model.language_model.embed_tokens
        embedded: torch.Tensor = table(torch.tensor(tokens, device=self._cache.device))
        row = 0
        seen = [(chunk, span) for chunk in chunks for span in _spans_in(chunk)]
        if not seen:
            return embedded
        pictures = self._embeddings.of(span for _, span in seen)
        for chunk in chunks:
            for span in _spans_in(chunk):
                start, end = max(span.start, chunk.start), min(span.end, chunk.end)
                at = row - chunk.start
                part = pictures[span.digest][start - span.start : end - span.start]
                embedded[at + start : at + end] = part
            row += chunk.count
        return embedded

    def _positions(self, chunks: Items[Chunk]) -> torch.Tensor:
        """(3, rows): time, height, width."""
        return torch.cat([positions(chunk) for chunk in chunks], dim=1).to(self._cache.device)

    def _grid_of(self, picture: Picture) -> tuple[int, int]:
        """Rows and columns of the picture's tokens, as the processor will resize it."""
        images = self._images
        side = images.patch_size * images.merge_size
        height, width = smart_resize(
            num_frames=images.temporal_patch_size,
            height=picture.height,
            width=picture.width,
            temporal_factor=images.temporal_patch_size,
            factor=side,
            min_pixels=images.size["shortest_edge"],
            max_pixels=images.size["longest_edge"],
        )
        return height // side, width // side

    def _encode(self, spans: list[Span]) -> list[torch.Tensor]:
        pictures = [span.picture for span in spans]
        images = [Image.frombytes("RGB", (p.width, p.height), p.rgb) for p in pictures]
        inputs = self._images(images=images, return_tensors="pt")
        visual = self._model.model.visual
        grids = inputs["image_grid_thw"].to(self._cache.device)
        pixels = inputs["pixel_values"].to(self._cache.device, visual.dtype)
        merged: torch.Tensor = visual(pixels, grid_thw=grids).pooler_output
        # cloned: each is kept for a time of its own, and a view would keep the whole batch
        return [part.clone() for part in torch.split(merged, [span.count for span in spans])]


def positions(chunk: Chunk) -> torch.Tensor:
    """(3, tokens) of a part of a sequence. Text advances all three together; inside a picture time
    stands still while height and width follow its grid; then text goes on behind the larger."""
    spans = chunk.sequence.prompt.spans
    if not spans or spans[-1].end <= chunk.start:
        start = chunk.start + sum(span.shift for span in spans)
        return torch.arange(start, start + chunk.count).expand(3, -1)
    index = torch.arange(chunk.start, chunk.end)
    place = index.repeat(3, 1)
    for span in spans:
        place[:, index >= span.end] += span.shift
    behind = 0
    for span in spans:
        inside = (index >= span.start) & (index < span.end)
        number = index[inside] - span.start
        offsets = (torch.zeros_like(number), number // span.columns, number % span.columns)
        place[:, inside] = torch.stack(offsets) + span.start + behind
        behind += span.shift
    return place


def _spans_in(chunk: Chunk) -> list[Span]:
    spans = chunk.sequence.prompt.spans
    return [span for span in spans if span.start < chunk.end and span.end > chunk.start]


def _last_rows(chunks: Items[Chunk]) -> dict[int, int]:
    rows, row = {}, 0
    for chunk in chunks:
        row += chunk.count
        rows[id(chunk.sequence)] = row - 1
    return rows


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ModelUnusable(f'[engine] device is "{name}", but torch sees no CUDA device')
    return device


def _load_weights(folder: Path, dtype: torch.dtype) -> Any:
    try:
        loaded: Any = Glm4vForConditionalGeneration.from_pretrained(
            folder, dtype=dtype, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # transformers raises whatever a damaged file leads to
        raise ModelUnusable(
            f"Glm4vForConditionalGeneration cannot be loaded from {folder} ({error}); download "
            "the checkpoint again"
        ) from error
    model, found = loaded
    lacking = sorted(str(name) for name in found["missing_keys"] | found["mismatched_keys"])
    if lacking:
        raise ModelUnusable(
            f"the weights in {folder} lack {len(lacking)} of Glm4vForConditionalGeneration, first "
            f"{lacking[0]}; config.json and weights are not of the same checkpoint"
        )
    return model


def _move(model: Any, device: torch.device) -> Any:
    try:
        return model.to(device)
    except RuntimeError as error:
        raise ModelUnusable(
            f"the weights cannot be brought to {device} ({error}); free memory there or set "
            "[engine] device to another"
        ) from error


def _end_tokens(model: Any) -> frozenset[int]:
    ends = set()
    for config in (model.config.text_config, model.generation_config):
        named = config.eos_token_id
        ends |= {named} if isinstance(named, int) else set(named or ())
    return frozenset(ends)


def _make_cache(model: Any, settings: EngineSettings) -> tuple[torch.Tensor, int]:
    """The pages, and the longest context they and the model allow."""
    text = model.config.text_config
    page_tokens = settings.page_tokens
    row = (text.num_key_value_heads, text.hidden_size // text.num_attention_heads)
    if attention.has_flash(model.device, model.dtype, row[1]):
        flash = attention.FLASH_PAGE_TOKENS
        page_tokens = -(-page_tokens // flash) * flash
    context = min(text.max_position_embeddings, settings.max_context_tokens)
    page_bytes = page_tokens * text.num_hidden_layers * 2 * row[0] * row[1] * model.dtype.itemsize
    if settings.pages:
        pages = settings.pages
    elif settings.kv_memory_mb:
        pages = (settings.kv_memory_mb << 20) // page_bytes
    else:
        wanted = _FULL_CONTEXTS * -(-context // page_tokens)
        pages = min(wanted, int(_free_bytes(model.device) * _MEMORY_SHARE) // page_bytes)
    if not pages:
        raise ModelUnusable(
            f"there is no memory for one page of keys and values ({page_bytes >> 10} kB); raise "
            "[engine] kv_memory_mb or lower page_tokens"
        )
    if pages * page_tokens < context:
        log.warning("context is %d tokens: the KV memory holds no more", pages * page_tokens)
    shape = (text.num_hidden_layers, 2, pages, page_tokens, *row)
    try:
        # zeros, not empty: what was never written is read in padding, and must be finite
        cache = torch.zeros(shape, dtype=model.dtype, device=model.device)
    except RuntimeError as error:
        raise ModelUnusable(
            f"{pages * page_bytes >> 20} MB for keys and values cannot be had on {model.device}; "
            f"lower [engine] kv_memory_mb, which is {settings.kv_memory_mb}, or free memory there"
        ) from error
    return cache, min(context, pages * page_tokens)


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):  # counts the file cache, which sysconf does not
            return int(line.split()[1]) << 10
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
