"""The running sandbox: a world, an HTTP server, and the threads that deliver events and run timers."""

from __future__ import annotations

import email.utils
import threading

from app.sandbox import answers, routes
from app.sandbox.errors import StripeError
from app.sandbox.http import HttpServer, Reply, Request
from app.sandbox.world import World


class Sandbox:
    """Everything of one sandbox process."""

    def __init__(self, world: World, *, host: str = "127.0.0.1", port: int = 0) -> None:
        routes.discover()
        self.world = world
        self.http = HttpServer(host, port, self.answer)

    def serve(self) -> None:
        """Run until `stop`."""
        self.http.serve()

    def start(self) -> threading.Thread:
        """Run in a thread of this process."""
        thread = threading.Thread(target=self.serve, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self.http.stop()

    def answer(self, request: Request) -> Reply:
        reply = self._answer_stripe(request)
        reply.headers.setdefault("Date", email.utils.formatdate(self.world.now, usegmt=True))
        reply.headers.setdefault("Server", "counterfoil-sandbox")
        return reply

    def _answer_stripe(self, request: Request) -> Reply:
        request_id = self.world.new_id("req_", 14)
        try:
            call = answers.understand(self.world, request, request_id)
        except StripeError as refusal:
            call = answers.Call(request.method, request.path, request_id, self.world.default_version, None, "", {})
            return answers.refused(refusal, call)
        return answers.answer(self.world, call, request)
