"""The fake provider as a server: keys that make calls happen once, scripted faults, signed webhooks.

The same key with the same path and body gives the first answer again (`Idempotent-Replayed: true`); with another body
it is refused with 400, and while the first is still being worked on with 409, all as Stripe does. Keys never expire.
State lives in memory; with `state` it is written to a file after every change and read back at the start.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from jwo_cli.model.findings import UserError
from jwo_cli.payments.wire import Request, Response, Server, json_response

from .bank import Bank
from .faults import Fault, Faults
from .hooks import Hooks

# Longer than any client of ours waits.
TIMEOUT_S = 60.0
TEST_KEY = "sk_test_fake_provider"


@dataclass(slots=True)
class _Kept:
    """An answer under a key; `status` 0 while it is being worked on."""

    content: str
    status: int = 0
    body: str = ""


class FakeProvider:
    """One fake provider. Use as an async context manager; `url` is where it listens, `bank` what it holds."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        secret: str = TEST_KEY,
        faults: Faults | None = None,
        hooks: Hooks | None = None,
        state: Path | None = None,
        slow_s: float = 0.0,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.bank = Bank(lambda: int(time.time()))
        self.faults = faults or Faults()
        self.hooks = hooks
        self.calls = 0
        self._secret = secret
        self._state = state
        self._slow_s, self._timeout_s = slow_s, timeout_s
        self._keys: dict[str, _Kept] = {}
        self._server = Server(self.handle, host=host, port=port)
        self._told = 0

    async def __aenter__(self) -> Self:
        """Read the state, listen."""
        self.load()
        await self._server.__aenter__()
        self.bank.base_url = self._server.url
        if self.hooks is not None:
            await self.hooks.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self._server.__aexit__(kind, value, trace)
        if self.hooks is not None:
            await self.hooks.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    async def handle(self, request: Request) -> Response:
        """One request."""
        self.calls += 1
        form = dict(parse_qsl(request.body.decode() if request.method == "POST" else request.query))
        if request.path.startswith("/pay/"):
            return self._page(request, form)
        if request.headers.get("authorization") != f"Bearer {self._secret}":
            return json_response(401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}})
        if request.method != "POST":
            return json_response(*self.bank.call(request.method, request.path, form))
        return await self._once(request, form)

    async def _once(self, request: Request, form: dict[str, str]) -> Response:
        """A call that changes something: replayed, refused or done, and hit by the next fault."""
        key = request.headers.get("idempotency-key", "")
        content = hashlib.sha256(f"{request.path}\n{sorted(form.items())}".encode()).hexdigest()
        kept = self._keys.get(key) if key else None
        if kept is not None and kept.status == 0:
            message = "There is currently another in-progress request using this key."
            error = {"type": "idempotency_error", "code": "idempotency_key_in_use", "message": message}
            return json_response(409, {"error": error})
        if kept is not None and kept.content != content:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            return json_response(400, {"error": {"type": "idempotency_error", "message": message}})
        if kept is not None:
            return Response(status=kept.status, body=kept.body.encode(), headers={"Idempotent-Replayed": "true"})
        if self._slow_s:
            if key:
                self._keys[key] = _Kept(content)
            await asyncio.sleep(self._slow_s)
            self._keys.pop(key, None)
        return self._hit(request.path, form, key, content)

    def _hit(self, path: str, form: dict[str, str], key: str, content: str) -> Response:
        """Do it, or not, as the next fault says."""
        fault = self.faults.next()
        if fault is Fault.DROP_BEFORE:
            return Response(status=500, drop=True)
        if fault is Fault.ERROR_BEFORE:
            return json_response(500, _broken())
        if fault is Fault.ERROR_KEPT_BEFORE:
            return self._keep(key, content, 500, _broken())
        self.bank.decline_next = fault is Fault.DECLINE
        status, body = self.bank.call("POST", path, form)
        self.bank.decline_next = False
        if fault is Fault.ERROR_KEPT_AFTER:
            status, body = 500, _broken()
        answer = self._keep(key, content, status, body)
        if fault is Fault.ERROR_AFTER:
            return json_response(500, _broken())
        if fault is Fault.TIMEOUT:
            return Response(status=answer.status, body=answer.body, delay_s=self._timeout_s)
        return Response(status=answer.status, body=answer.body, drop=fault is Fault.DROP_AFTER)

    def _keep(self, key: str, content: str, status: int, body: dict[str, Any]) -> Response:
        text = json.dumps(body)
        if key:
            self._keys[key] = _Kept(content, status, text)
        self._changed()
        return Response(status=status, body=text.encode())

    def _page(self, request: Request, form: dict[str, str]) -> Response:
        """The shopper's page: looking at it shows a button, posting it pays."""
        session = self.bank.get(request.path.removeprefix("/pay/"), "checkout.session")
        if request.method == "GET" and session is not None:
            done = session["status"] != "open"
            text = "Done." if done else '<form method="post"><button>Confirm (nothing is really paid)</button></form>'
            page = f"<!doctype html><title>Fake provider</title><h1>Fake provider</h1>{text}".encode()
            return Response(status=200, body=page, kind="text/html; charset=utf-8")
        status, body = self.bank.call("POST", request.path, form)
        self._changed()
        if status == 200 and "text/html" in request.headers.get("accept", ""):
            return Response(status=303, headers={"Location": request.path})
        return json_response(status, body)

    # -- state and events ----------------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Tell the hooks what is new, and write the state."""
        fresh = self.bank.events[self._told :]
        self._told = len(self.bank.events)
        if self.hooks is not None:
            for event in fresh:
                self.hooks.put(event)
        if self._state is not None:
            self._save(self._state)

    def _save(self, path: Path) -> None:
        keys = {key: [kept.content, kept.status, kept.body] for key, kept in self._keys.items()}
        document = {"things": list(self.bank.things.values()), "keys": keys, "count": self.bank.count}
        aside = path.with_name(path.name + ".writing")
        aside.write_text(json.dumps(document), encoding="utf-8")
        aside.replace(path)

    def load(self) -> None:
        """Read the state, and see that it can be written. Raises UserError."""
        if self._state is None:
            return
        try:
            if self._state.exists():
                document = json.loads(self._state.read_text(encoding="utf-8"))
                self.bank.things = {thing["id"]: thing for thing in document["things"]}
                self.bank.count = document["count"]
                self._keys = {key: _Kept(*kept) for key, kept in document["keys"].items()}
            self._save(self._state)
        except (OSError, ValueError, KeyError, TypeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it holds something else"
            problem = f"the state cannot be kept in {self._state} ({why})"
            raise UserError(problem, fix="Name a file of its own as --state.") from None


def _broken() -> dict[str, Any]:
    return {"error": {"type": "api_error", "message": "Something went wrong on our end."}}
