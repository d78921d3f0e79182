"""A Stripe of your own on this machine, for the official SDK and CLI.

    python -m app.sandbox serve --database-url postgresql:///shop --port 12111

Point the SDK at it with base_addresses={"api": "http://127.0.0.1:12111", "files": "http://127.0.0.1:12111"} and any key
that starts with sk_test_; the CLI with --api-base http://127.0.0.1:12111 --api-key sk_test_x. Its state stands in the
schema `sandbox` of that database and survives a restart. Test cards, IBANs and pm_card_… aliases work as at Stripe.

Webhooks: create an endpoint through the API, or say --webhook-url and --webhook-secret here.

A page of buttons for people: http://127.0.0.1:12111/_control/

The control plane, JSON without a key:
    GET    /_control/health                     is it there, and how many objects of each kind
    GET    /_control/requests?path=&method=     what was asked, with idempotency keys; DELETE forgets it
    POST   /_control/faults                     delay, fail, cut or reset requests (GET lists, DELETE clears)
    POST   /_control/delivery                   {"mode": hold | release | drop | duplicate | reorder | shuffle | in_order |
                                                 same_second | retry | sign_with | off}; GET counts deliveries
    GET    /_control/clock                      the world clock; POST {"advance": seconds} or {"to": second}
    POST   /_control/idempotency/prune          forget kept answers
    POST   /_control/objects                    put any object, silently or with an event
    GET    /_control/objects/KIND               everything of a kind, one JSON text a line
    POST   /_control/webhook_endpoints          an endpoint with a chosen secret; POST …/ID/roll changes it
    POST   /_control/reset                      an empty world; {"seed": 7} for the same ids every time
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading

from app.sandbox.seed import command
from app.sandbox.server import Sandbox
from app.sandbox.world import World


def main(words: list[str] | None = None) -> int:
    arguments = _parser().parse_args(words)
    if not arguments.database_url:
        sys.stderr.write("Say --database-url or set DATABASE_URL.\n")
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    return int(arguments.run(arguments) or 0)


def serve(arguments: argparse.Namespace) -> int:
    """Answer until SIGTERM or Ctrl-C."""
    world = World(arguments.database_url, durable=arguments.durable, seed=arguments.seed)
    sandbox = Sandbox(world, host=arguments.host, port=arguments.port, public_url=arguments.public_url)
    sandbox.specimens.on = arguments.specimens
    if arguments.webhook_url:
        sandbox.add_endpoint(arguments.webhook_url, arguments.webhook_secret, version=arguments.webhook_version)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sandbox.stop())
    print(f"sandbox ready on http://{arguments.host}:{sandbox.http.port}", flush=True)  # noqa: T201
    try:
        sandbox.serve()
    except KeyboardInterrupt:
        sandbox.stop()
    return 0


def seed(arguments: argparse.Namespace) -> int:
    """Fill the world with a believable shop."""
    return command.run(
        World(arguments.database_url),
        customers=arguments.customers,
        months=arguments.months,
        seed=arguments.seed,
        until=arguments.until,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app.sandbox", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    server = commands.add_parser("serve", help="answer Stripe's HTTP API")
    _database(server)
    server.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    server.add_argument(
        "--port", type=int, default=int(os.environ.get("SANDBOX_PORT", "12111")), help="0 takes a free one"
    )
    server.add_argument(
        "--public-url",
        default=os.environ.get("SANDBOX_PUBLIC_URL") or None,
        help="where browsers reach it, for links to its pages (default: the name a request came in by)",
    )
    server.add_argument("--seed", type=int, help="make the same ids every time")
    server.add_argument("--durable", action="store_true", help="wait for the disk at every commit")
    server.add_argument(
        "--specimens", action="store_true", help="keep an answer of every shape for GET /_control/specimens"
    )
    server.add_argument("--webhook-url", help="deliver every event there")
    server.add_argument("--webhook-secret", help="whsec_… to sign with (default: a new one)")
    server.add_argument("--webhook-version", help="API version of those events (default: the account's)")
    server.set_defaults(run=serve)
    shop = commands.add_parser("seed", help="fill it with a believable shop")
    _database(shop)
    shop.add_argument("--customers", type=int, default=2000, help="how many there are in the end (default: 2000)")
    shop.add_argument("--months", type=int, default=12, help="how long the shop has existed (default: 12)")
    shop.add_argument("--seed", type=int, default=7, help="the same number makes the same shop (default: 7)")
    shop.add_argument("--until", type=int, help="its present, in Unix seconds (default: the last full hour)")
    shop.set_defaults(run=seed)
    return parser


def _database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database-url", default=os.environ.get("DATABASE_URL"), help="PostgreSQL (or DATABASE_URL)")


if __name__ == "__main__":
    sys.exit(main())
