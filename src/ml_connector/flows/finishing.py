"""What was begun and is short is finished, even where its caller is asked to stop meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def finished(doing: Coroutine[Any, Any, T]) -> T:
    """Await ``doing`` to its end. Who is cancelled meanwhile is cancelled after it; its error comes first.

    For a transaction and what has to be told of it: cut in two, more would be on record than is told. Never for anything that
    may wait for somebody else.
    """
    task = asyncio.ensure_future(doing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        task.result()
        raise
