"""The fake provider's webhooks: signed, sent again until a 2xx, and on demand doubled or out of order."""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

import httpx

from jwo_cli.payments.signature import sign

TRIES = 5


class Hooks:
    """Sends events to `url`. `repeat` is the share that is sent twice, `shuffle` how many wait for each other."""

    def __init__(
        self, url: str, secret: bytes, *, repeat: float = 0.0, shuffle: int = 1, seed: int = 0, retry_s: float = 1.0
    ) -> None:
        self._url, self._secret = url, secret
        self._repeat, self._shuffle, self._retry_s = repeat, max(shuffle, 1), retry_s
        self._random = random.Random(seed)  # noqa: S311 - a script of faults, not a secret
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.delivered = self.lost = 0

    def put(self, event: dict[str, Any]) -> None:
        """Have an event sent."""
        self._queue.put_nowait(event)
        if self._random.random() < self._repeat:
            self._queue.put_nowait(event)

    async def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run())

    async def drain(self) -> None:
        """Wait until everything put so far was sent or given up."""
        await self._queue.join()

    async def stop(self) -> None:
        """Stop; what was not sent is lost."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=5.0) as client:
            while True:
                batch = [await self._queue.get()]
                while len(batch) < self._shuffle:
                    try:
                        batch.append(await asyncio.wait_for(self._queue.get(), 0.05))
                    except TimeoutError:
                        break
                self._random.shuffle(batch)
                for event in batch:
                    await self._send(client, event)
                    self._queue.task_done()

    async def _send(self, client: httpx.AsyncClient, event: dict[str, Any]) -> None:
        body = json.dumps(event).encode()
        for attempt in range(TRIES):
            signature = sign(body, self._secret, int(time.time()))
            headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
            try:
                answer = await client.post(self._url, content=body, headers=headers)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.is_success:
                self.delivered += 1
                return
            await asyncio.sleep(self._retry_s * 2**attempt)
        self.lost += 1
