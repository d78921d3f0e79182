"""`python -m app.sandbox serve --database-url DSN --port 12111`: a Stripe of your own on this machine."""

from __future__ import annotations

import argparse
import os

from app.sandbox.server import Sandbox
from app.sandbox.world import World


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="answer Stripe's HTTP API")
    serve.add_argument("--database-url", default=os.environ.get("DATABASE_URL"))
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=int(os.environ.get("SANDBOX_PORT", "12111")))
    arguments = parser.parse_args()
    sandbox = Sandbox(World(arguments.database_url), host=arguments.host, port=arguments.port)
    print(f"sandbox ready on http://{arguments.host}:{sandbox.http.port}", flush=True)  # noqa: T201
    sandbox.serve()


if __name__ == "__main__":
    main()
