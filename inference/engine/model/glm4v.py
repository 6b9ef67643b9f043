"""The model: loading, and logits for the chunks of a step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from collections.abc import Sequence as Items
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.models.glm46v.image_processing_pil_glm46v import Glm46VImageProcessorPil
from transformers.utils import logging as transformers_logging

from inference.engine.blocks import Move
from inference.engine.model import attention
from inference.engine.model.attention import Paged
from inference.engine.model.batch import decode_batch, gathered_batch, order, ragged_batch
from inference.engine.model.card import Card, find_card
from inference.engine.model.checkpoint import find_checkpoint, revision_of
from inference.engine.model.flash import choose_attention
from inference.engine.model.graphs import DecodeGraphs, DecodeRows, Record
from inference.engine.model.kv import KvCache, PageShape
from inference.engine.model.packed import pack
from inference.engine.model.pictures import Embeddings, tokens_kept
from inference.engine.model.positions import positions
from inference.engine.model.room import Room, make_cache, measure_step, page_tokens
from inference.engine.model.trial import largest_steps, smallest_steps
from inference.engine.model.vision import Vision
from inference.engine.model.weights import load_weights
from inference.engine.sequence import Chunk, Span
from inference.engine.settings import EngineSettings
from inference.engine.words.language import Language
from inference.engine.words.prompt import Prompter
from inference.errors import ModelUnusable

_SMALL = 50_000_000  # parameters
_STEP_TOKENS = {"cuda": 2048, "cpu": 512}  # a CPU takes seconds over more, and answers would stall


class Glm4v:
    """Use `load` or `around`. Holds the weights and the pages of keys and values; `language` is its
    words."""

    def __init__(
        self, model: Any, tokenizer: Any, images: Any, settings: EngineSettings, card: Card | None
    ) -> None:
        # Any: transformers' classes are untyped
        self._model = model
        self.step_tokens = settings.step_tokens or _STEP_TOKENS[model.device.type]
        self._settings = replace(settings, step_tokens=self.step_tokens)
        self._vision = Vision(model.model.visual, images, model.device)
        photo_tokens = self._vision.photo_tokens
        self._embeddings = Embeddings(
            self._vision.encode, kept_tokens=tokens_kept(settings.max_sequences, photo_tokens)
        )
        self.vision_s = 0.0  # spent in the vision tower
        self._graphs: DecodeGraphs | None = None
        self._card = card
        self._reserve(model.config.text_config)
        prompter = Prompter(tokenizer, model.config.image_token_id, self._vision.grid_of)
        words = model.config.text_config.vocab_size
        self.language = Language(
            tokenizer, prompter, _end_tokens(model), self.context_tokens, words
        )
        self.revision = ""

    @classmethod
    def load(
        cls,
        settings: EngineSettings,
        *,
        fetching: Callable[[], None] = lambda: None,
        card: Card | None = None,
    ) -> Glm4v:
        """Raises ModelUnusable. `fetching` as in find_checkpoint, `card` as in `around`."""
        folder = find_checkpoint(settings.model, fetching=fetching)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        model = load_weights(folder, settings)
        if _is_small(model):
            torch.set_num_threads(1)  # several would wait for each other longer than they work
        loaded = cls.around(model, *_load_processors(folder), settings, card=card)
        loaded.revision = revision_of(folder, settings)
        return loaded

    @classmethod
    def around(
        cls,
        model: Any,
        tokenizer: Any,
        images: Any,
        settings: EngineSettings,
        *,
        card: Card | None = None,
    ) -> Glm4v:
        """Of a model that is on its device. `card`: None is the device's own, where it has one.
        Raises ModelUnusable."""
        # Any: transformers' classes are untyped
        if model.device.type == "cpu" and not _is_small(model):
            pack(model)
        attention.register()
        model.set_attn_implementation({"text_config": attention.NAME, "vision_config": "sdpa"})
        return cls(model, tokenizer, images, settings, card or find_card(model.device))

    @property
    def pages(self) -> int:
        return self._cache.pages

    @property
    def page_tokens(self) -> int:
        return self._cache.shape.tokens

    @property
    def host_pages(self) -> int:
        return self._cache.host_pages

    @property
    def pictures_encoded(self) -> int:
        return self._embeddings.encoded

    def forget(self) -> None:
        """What pictures looked like."""
        self._embeddings.forget()

    def give_back_memory(self) -> None:
        """What an aborted step has left behind."""
        if self._card:
            self._card.give_back_memory()

    def move(self, moves: Items[Move]) -> None:
        """Copy pages between the device and the host, one after the other, before `forward`."""
        self._cache.move(moves)

    @torch.inference_mode()
    def forward(self, chunks: Items[Chunk]) -> torch.Tensor:
        """Compute the chunks in one batch. Returns logits in float32, a row for each chunk that
        completes, in the order given."""
        if self._graphs is not None and self._graphs.takes(chunks):
            return self._graphs.forward(chunks)
        return self._compute(chunks, self._cache)

    def _compute(self, chunks: Items[Chunk], cache: KvCache) -> torch.Tensor:
        ordered = order(chunks)
        batch = (ragged_batch if self._kernel else gathered_batch)(ordered, cache)
        hidden = self._run(
            self._embed(ordered),
            positions(ordered).to(cache.device),
            Paged(cache, batch, self._kernel),
        )
        last_row = _last_rows(ordered)
        rows = [last_row[id(chunk.sequence)] for chunk in chunks if chunk.completes]
        logits: torch.Tensor = self._model.lm_head(hidden[rows])
        return logits.float()

    def _decode(self, rows: DecodeRows) -> torch.Tensor:
        """What a CUDA graph holds."""
        batch = decode_batch(rows.new_slots, rows.key_counts, rows.table, self._cache)
        hidden = self._run(
            self._model.model.language_model.embed_tokens(rows.tokens),
            rows.positions.expand(3, -1),
            Paged(self._cache, batch, self._kernel),
        )
        logits: torch.Tensor = self._model.lm_head(hidden)
        return logits

    def _run(self, embedded: torch.Tensor, places: torch.Tensor, paged: Paged) -> torch.Tensor:
        """From (rows, hidden size) and (3, rows) to (rows, hidden size)."""
        output = self._model.model.language_model(
            inputs_embeds=embedded[None], position_ids=places[:, None], use_cache=False, paged=paged
        )
        hidden: torch.Tensor = output.last_hidden_state[0]
        return hidden

    def _reserve(self, text: Any) -> None:  # Any: transformers' classes are untyped
        """The pages, and the graphs over them."""
        settings, device, dtype = self._settings, self._model.device, self._model.dtype
        size = text.hidden_size // text.num_attention_heads
        if self._card:
            chosen, self._kernel = self._card.find_kernel(settings, dtype, size)
        else:
            chosen, self._kernel = choose_attention(settings, device, dtype, size), None
        shape = PageShape(
            text.num_hidden_layers,
            text.num_key_value_heads,
            page_tokens(settings, chosen),
            size,
            dtype,
            settings.kv_dtype,
        )
        context = min(text.max_position_embeddings, settings.max_context_tokens)
        self._cache = make_cache(
            shape,
            settings,
            device,
            context=context,
            room=self._measure(self._card, shape, context) if self._card else None,
            kept=self._embeddings.kept_tokens * text.hidden_size * dtype.itemsize,
        )
        self.context_tokens = min(context, self.pages * self.page_tokens)
        if self._card and self._kernel and settings.cuda_graphs:
            self._record_graphs(self._card.recorder())

    def _measure(self, card: Card, shape: PageShape, context: int) -> Room:
        """Raises ModelUnusable. The pages are still to be made, so all runs in one of its own."""
        cache = KvCache(shape, 1, self._model.device)
        self._try_out(cache)
        steps = largest_steps(self._settings, self._vision, context, cache)
        return measure_step(card.measure, lambda: self._try(cache, steps), cache.device)

    def _record_graphs(self, record: Record) -> None:
        self._graphs = DecodeGraphs(
            self._decode,
            record,
            most_rows=self._settings.max_sequences,
            context_tokens=self.context_tokens,
            page_tokens=self.page_tokens,
            spare_page=self._cache.spare_page,
            device=self._cache.device,
        )

    def _try_out(self, cache: KvCache) -> None:
        """Raises ModelUnusable when the device cannot run what the model is made of."""
        try:
            self._try(cache, smallest_steps())
        except Exception as error:  # kernels raise whatever their authors chose
            raise ModelUnusable(
                f"the model does not run on {cache.device} ({error}); set [engine] attention to "
                '"gather", dtype to "float32" or device to "cpu"'
            ) from error

    @torch.inference_mode()
    def _try(self, cache: KvCache, steps: Items[Items[Chunk]]) -> None:
        for chunks in steps:
            self._compute(chunks, cache).cpu()  # errors of a GPU show when its results are wanted
        self._embeddings.clear()
        self.vision_s = 0.0

    def _embed(self, chunks: Items[Chunk]) -> torch.Tensor:
        tokens = [t for chunk in chunks for t in chunk.sequence.tokens[chunk.start : chunk.end]]
        table = self._model.model.language_model.embed_tokens
        embedded: torch.Tensor = table(torch.tensor(tokens, device=self._model.device))
        spans = [span for chunk in chunks for span in _spans_in(chunk)]
        if spans:
            self._put_pictures(embedded, chunks, self._look_at(spans))
        return embedded

    def _look_at(self, spans: Items[Span]) -> dict[str, torch.Tensor]:
        began, encoded = time.perf_counter(), self.pictures_encoded
        pictures = self._embeddings.of(spans)
        if self.pictures_encoded != encoded and self._card:
            self._card.synchronize()  # or its time would count as prefill
        self.vision_s += time.perf_counter() - began
        return pictures

    def _put_pictures(
        self, embedded: torch.Tensor, chunks: Items[Chunk], pictures: dict[str, torch.Tensor]
    ) -> None:
        row = 0
        for chunk in chunks:
            for span in _spans_in(chunk):
                start, end = max(span.start, chunk.start), min(span.end, chunk.end)
                at = row - chunk.start
                part = pictures[span.digest][start - span.start : end - span.start]
                embedded[at + start : at + end] = part
            row += chunk.count


def _is_small(model: Any) -> bool:  # Any: transformers' classes are untyped
    count: int = sum(weight.numel() for weight in model.parameters())
    return count < _SMALL


def _spans_in(chunk: Chunk) -> list[Span]:
    spans = chunk.sequence.prompt.spans
    return [span for span in spans if span.start < chunk.end and span.end > chunk.start]


def _last_rows(chunks: Items[Chunk]) -> dict[int, int]:
    rows, row = {}, 0
    for chunk in chunks:
        row += chunk.count
        rows[id(chunk.sequence)] = row - 1
    return rows


def _load_processors(folder: Path) -> tuple[Any, Any]:
    """The tokenizer and the picture processor. Raises ModelUnusable."""
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
    return tokenizer, images


def _end_tokens(model: Any) -> frozenset[int]:
    ends = set()
    for config in (model.config.text_config, model.generation_config):
        named = config.eos_token_id
        ends |= {named} if isinstance(named, int) else set(named or ())
    return frozenset(ends)
