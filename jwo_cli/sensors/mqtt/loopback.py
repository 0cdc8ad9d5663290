"""A broker inside of this process, on the loopback only: for the demo, trials and tests. A shop runs mosquitto."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from amqtt.broker import Broker as AmqttBroker

from .client import Broker

SHUTDOWN_S = 3.0  # it may wait for ever for somebody who is connected still and says something just then


@asynccontextmanager
async def loopback_broker() -> AsyncIterator[Broker]:
    """A running broker that anybody on this machine may use, on a free port; it forgets everything at the end."""
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # it logs each disconnect as a fault
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    broker = AmqttBroker(config)
    await broker.start()
    try:
        yield Broker(host="127.0.0.1", port=port)
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(broker.shutdown(), SHUTDOWN_S)
