"""The running sandbox: a world, an HTTP server, and the threads that deliver events and run timers."""

from __future__ import annotations

import email.utils
import threading
import time
from typing import Any

from app.sandbox import answers, codec, params, routes, signing
from app.sandbox.ask import Ask
from app.sandbox.deliveries import Deliverer
from app.sandbox.errors import StripeError
from app.sandbox.faults import Fault, Faults
from app.sandbox.http import HttpServer, Reply, Request
from app.sandbox.journal import Journal
from app.sandbox.pages import visit
from app.sandbox.specimens import Specimens
from app.sandbox.timers import Timers
from app.sandbox.world import LOST, World


class Sandbox:
    """Everything of one sandbox process."""

    def __init__(self, world: World, *, host: str = "127.0.0.1", port: int = 0, public_url: str | None = None) -> None:
        routes.discover()
        self.world = world
        self.faults = Faults()
        self.journal = Journal(world)
        self.specimens = Specimens()
        self.deliverer = Deliverer(world)
        self.timers = Timers(world)
        self.http = HttpServer(host, port, self.answer)
        world.public = public_url is not None
        world.base_url = public_url.rstrip("/") if public_url else f"http://127.0.0.1:{self.http.port}"

    def serve(self) -> None:
        """Run until `stop`."""
        self.journal.start()
        self.deliverer.start()
        self.timers.start()
        self.http.serve()

    def start(self) -> threading.Thread:
        """Run in a thread of this process."""
        thread = threading.Thread(target=self.serve, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self.timers.stop()
        self.http.stop()

    def reset(self, *, seed: int | None = None) -> None:
        """An empty world, an empty log, no faults. What is being sent to webhooks this moment may still arrive."""
        self.faults.clear()
        self.world.reset(seed=seed)
        self.journal.clear()
        self.specimens.clear()
        for _ in range(5):
            if self.deliverer.sending == 0:
                break
            time.sleep(0.01)

    def add_endpoint(
        self, url: str, secret: str | None, *, events: list[str] | None = None, version: str | None = None
    ) -> dict[str, Any]:
        """A webhook endpoint with a known secret; the same URL keeps its endpoint."""
        with self.world.transaction() as tx:
            known = [one for one in tx.find("webhook_endpoint") if one["url"] == url]
            endpoint: dict[str, Any] = (
                known[0] if known else {"id": tx.new_id("we_"), "object": "webhook_endpoint", "created": tx.now}
            )
            secret = secret or tx.new_id("whsec_", 32)
            endpoint |= {
                "api_version": version,
                "application": None,
                "description": None,
                "enabled_events": events or ["*"],
                "livemode": False,
                "metadata": {},
                "status": "enabled",
                "url": url,
            }
            tx.put(endpoint)
            tx.cursor.execute("DELETE FROM secrets WHERE endpoint = %s", (endpoint["id"],))
            signing.keep_secret(tx.cursor, endpoint["id"], secret)
        return endpoint | {"secret": secret}

    def answer(self, request: Request) -> Reply:
        if visit.is_page(request):
            return visit.answer(self, request)
        if request.path.startswith("/_control"):
            return self._control(request)
        reply = self._stripe(request)
        reply.headers.setdefault("Date", email.utils.formatdate(self.world.now, usegmt=True))
        return reply

    def _stripe(self, request: Request) -> Reply:
        """One API call, with its entry in the log and whatever fault is switched on for it."""
        generation = self.world.generation
        request_id = self.world.new_id("req_", 14)
        call, refusal = self._understood(request, request_id)
        entry = self.journal.open(call.method, call.path, call.params)
        entry |= {"idempotency_key": call.key, "request_id": request_id, "api_version": call.api_version}
        fault = self.faults.match(call.method, call.path, call.params)
        if fault:
            entry["fault"] = fault.id
            time.sleep(fault.delay_before)
            call.delay = fault.delay_during
        if generation != self.world.generation:
            return Reply(503, b"", reset=True)
        if fault and fault.when == "before" and fault.answers:
            reply = fault.spoil(Reply(200, b"{}", {"Request-Id": request_id}))
        else:
            reply = refusal or answers.answer(self.world, call, request)
            entry["replayed"] = "Idempotent-Replayed" in reply.headers
            if self.specimens.on and reply.content_type == "application/json":
                self.specimens.note(call.method, call.path, call.api_version, reply.status, reply.body)
            reply = self._after(fault, reply)
        self.journal.close(entry, 0 if reply.reset else reply.status)
        return reply

    def _after(self, fault: Fault | None, reply: Reply) -> Reply:
        if fault is None:
            return reply
        time.sleep(fault.delay_after)
        return fault.spoil(reply)

    def _understood(self, request: Request, request_id: str) -> tuple[answers.Call, Reply | None]:
        try:
            return answers.understand(self.world, request, request_id), None
        except StripeError as refusal:
            call = answers.Call(request.method, request.path, request_id, self.world.default_version, None, "", {})
            return call, answers.refused(refusal, call)

    def _control(self, request: Request) -> Reply:
        """The control plane: JSON in, JSON out, no key."""
        found = routes.match(request.method, request.path)
        if found is None:
            return _json(404, {"error": {"message": f"No {request.method} {request.path}"}})
        handler, path_values = found
        try:
            asked = params.decode(request.query) | (codec.loads(request.body) if request.body else {})
            result = self._twice(handler, Ask(self, asked), path_values)
        except StripeError as refusal:
            return _json(refusal.status, refusal.body())
        except (ValueError, KeyError, TypeError) as error:
            return _json(400, {"error": {"message": f"{type(error).__name__}: {error}"}})
        return result if isinstance(result, Reply) else _json(200, result)

    def _twice(self, handler: routes.Handler, ask: Ask, path_values: dict[str, str]) -> Any:
        """Once more when kept connections turn out to be dead, as after a restart of PostgreSQL."""
        try:
            return handler(ask, **path_values)
        except LOST:
            self.world.pool.forget_idle()
            return handler(ask, **path_values)


def _json(status: int, value: Any) -> Reply:
    return Reply(status, codec.dumps(value).encode())
