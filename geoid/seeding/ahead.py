"""Work that goes on while its results are used: on a thread, so many steps ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item], steps: int = 1) -> Iterator[Item]:
    """The same items, made on a thread while the ones before are used; their errors come in their place."""
    left = iter(items)
    over = object()
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[object]] = deque(thread.submit(next, left, over) for _ in range(steps))
        while (item := waiting.popleft().result()) is not over:
            waiting.append(thread.submit(next, left, over))
            yield item  # type: ignore[misc]
