"""A thread for one device's blocking calls: however many devices wait for something, none waits for another's turn.

An event loop's common threads are few (four more than the cores); scanners that nobody uses would hold them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class OwnThread:
    """Calls one after the other, in one thread that is nobody else's."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def do(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Do it there; the event loop goes on meanwhile."""
        return await asyncio.wrap_future(self._pool.submit(work, *args, **kwargs))

    def close(self, last: Callable[[], object] | None = None) -> None:
        """No more calls, after a last one; waits for nothing."""
        if last is not None:
            self._pool.submit(last)
        self._pool.shutdown(wait=False)

    async def closed(self, last: Callable[[], object]) -> None:
        """No more calls, after a last one, which is done also where nobody waits for it any more."""
        done = self._pool.submit(last)
        self._pool.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(done))
