"""An answer's token times in the log: its first token, and its end."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from inference.request import ChatRequest, Delta

log = logging.getLogger(__name__)


async def timed(
    request: ChatRequest,
    deltas: AsyncGenerator[Delta, None],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Delta, None]:
    """Passes all on, and closes `deltas` when it is closed itself."""
    # NOTE: `tracing` will not do: a generator may be closed in another context than it began in
    whose = {"request": request.id} if request.id else {}
    began = clock()
    first: float | None = None
    last = Delta()
    try:
        async with aclosing(deltas):
            async for delta in deltas:
                if first is None:
                    first = clock()
                    figures = {"ms": round(1000 * (first - began))}
                    log.info("first token after %(ms)d ms", figures, extra=whose)
                last = delta
                yield delta
    except Exception as error:  # who asked decides what becomes of it
        log.info("no answer: %s", type(error).__name__, extra=whose)
        raise
    finally:
        if last.finish is not None:
            end = _EARLIER if last.cached else _END
            log.info(end, _figures(last, began, first or began, clock()), extra=whose)
        elif first is not None:
            log.info("given up after %(seconds).2f s", {"seconds": clock() - began}, extra=whose)


_END = (
    "%(completion_tokens)d tokens in %(seconds).2f s, %(tokens_per_s).1f a second;"
    " of %(prompt_tokens)d of the prompt %(cached_tokens)d were kept from before; %(finish)s"
)

_EARLIER = "%(completion_tokens)d tokens from an earlier answer in %(seconds).2f s; %(finish)s"


def _figures(last: Delta, began: float, first: float, now: float) -> dict[str, object]:
    tokens = last.usage.completion_tokens if last.usage else 0
    writing_s = now - first
    return {
        "completion_tokens": tokens,
        "prompt_tokens": last.usage.prompt_tokens if last.usage else 0,
        "cached_tokens": last.usage.cached_tokens if last.usage else 0,
        "seconds": round(now - began, 3),
        # the first token came before the clock of the others began
        "tokens_per_s": round((tokens - 1) / writing_s, 1) if tokens > 1 and writing_s else 0.0,
        "finish": last.finish,
    }
