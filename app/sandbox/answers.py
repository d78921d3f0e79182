"""From an HTTP request to Stripe's answer: key, version, parameters, idempotency, handler, expand, shape."""

from __future__ import annotations

import io
import logging
import time
from dataclasses import dataclass
from typing import Any

import psycopg2.errors
from werkzeug.formparser import FormDataParser

from app.sandbox import auth, codec, expand, idempotency, kinds, lists, params, routes, versions
from app.sandbox.errors import StripeError
from app.sandbox.http import Reply, Request
from app.sandbox.tx import About, Tx
from app.sandbox.world import LOST, World

log = logging.getLogger(__name__)

TRIES = 4


@dataclass
class Call:
    """One request to /v1, understood."""

    method: str
    path: str
    request_id: str
    api_version: str
    key: str | None
    host: str
    params: params.Params
    delay: float = 0.0
    """Seconds to wait inside the transaction, with the idempotency key held (a fault switch)."""


def understand(world: World, request: Request, request_id: str) -> Call:
    """Parameters and headers; raises StripeError for what is malformed."""
    key = request.headers.get("idempotency-key") or None
    version = request.headers.get("stripe-version")
    return Call(
        method=request.method,
        path=request.path,
        request_id=request_id,
        api_version=versions.check(version) if version else world.default_version,
        key=key if request.method == "POST" else None,
        host=request.headers.get("host", ""),
        params=_params(request),
    )


def answer(world: World, call: Call, request: Request) -> Reply:
    """Stripe's answer to an authorised or unauthorised call."""
    try:
        auth.check(call.method, call.path, request.headers.get("authorization", ""))
        with idempotency.held(call.key, world.generation):
            return _with_retries(world, call)
    except StripeError as refusal:
        return refused(refusal, call)


def _with_retries(world: World, call: Call) -> Reply:
    """Two requests that wait for each other's rows, or a database that went away: try again, nothing was kept."""
    for left in reversed(range(TRIES)):
        try:
            return _once(world, call)
        except (psycopg2.errors.DeadlockDetected, psycopg2.errors.SerializationFailure):
            if not left:
                raise
        except LOST:
            world.pool.forget_idle()
            if left <= 1:
                log.warning("the database is away", exc_info=True)
                raise StripeError(
                    "The sandbox cannot reach its database.", status=503, type="api_error", code="lock_timeout"
                ) from None
    raise AssertionError  # the loop always returns or raises


def _once(world: World, call: Call) -> Reply:
    print_ = idempotency.fingerprint(call.method, call.path, call.params) if call.key else ""
    about = About(dict(call.params), call.api_version, call.key, call.request_id, call.host)
    try:
        with world.transaction(about) as tx:
            if call.key:
                known = idempotency.earlier(tx, call.key, print_, method=call.method, path=call.path)
                if known:
                    headers = {"Idempotent-Replayed": "true", "Original-Request": known[2]}
                    return Reply(known[0], known[1].encode(), headers | _headers(call))
            if call.delay:
                time.sleep(call.delay)
            try:
                status, body = 200, _perform(tx, call)
            except StripeError as refusal:
                if not refusal.commit:
                    raise
                status, body = refusal.status, _error_text(refusal, call)
            if isinstance(body, Reply):
                body.headers |= _headers(call)
                return body
            if call.key:
                tx.flush()
                idempotency.keep(tx, call.key, print_, status=status, body=body)
            return Reply(status, body.encode(), _headers(call))
    except StripeError as refusal:
        if call.key and refusal.keep:
            with world.transaction(about) as tx:
                text = _error_text(refusal, call)
                idempotency.keep(tx, call.key, print_, status=refusal.status, body=text)
        raise


def _perform(tx: Tx, call: Call) -> str | Reply:
    """Run the handler and render what it gives: an object, text that is JSON already, or a finished reply."""
    found = routes.match(call.method, call.path)
    tx.expand = expand.taken_from(tx.params)
    if found:
        handler, path_values = found
        result = handler(tx, **path_values)
    else:
        result = _generic(tx, call)
    if isinstance(result, lists.RawJson):
        return result.text
    if isinstance(result, Reply):
        return result
    if tx.expand:
        expand.expand(tx, result, tx.expand)
    return codec.dumps(versions.render(result, call.api_version))


def _generic(tx: Tx, call: Call) -> Any:
    """Every kind can be listed and read."""
    if call.method == "GET":
        kind = kinds.BY_PATH.get(call.path)
        if kind and kind.listed:
            return lists.list_page(tx, kind.name)
        parent, _, object_id = call.path.rpartition("/")
        kind = kinds.BY_PATH.get(parent)
        if kind and object_id:
            params.allow(tx.params)
            return tx.require(kind.name, object_id, lock=False)
    raise StripeError(
        f"Unrecognized request URL ({call.method}: {call.path}). If you are trying to list objects, remove the trailing "
        "slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your "
        "code.",
        status=404,
    )


def refused(refusal: StripeError, call: Call) -> Reply:
    return Reply(refusal.status, _error_text(refusal, call).encode(), _headers(call))


def _error_text(refusal: StripeError, call: Call) -> str:
    return codec.dumps(versions.render(refusal.body(call.request_id), call.api_version))


def _headers(call: Call) -> dict[str, str]:
    headers = {"Request-Id": call.request_id, "Stripe-Version": call.api_version}
    if call.key:
        headers["Idempotency-Key"] = call.key.replace("\r", "").replace("\n", "")
    return headers


def _params(request: Request) -> params.Params:
    asked = params.decode(request.query) if request.query else {}
    if not request.body:
        return asked
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return asked | params.nest(_multipart(request))
    return asked | params.decode(request.body.decode("utf-8", "replace"))


def _multipart(request: Request) -> list[tuple[str, Any]]:
    stream = io.BytesIO(request.body)
    mimetype, options = _content_type(request.headers["content-type"])
    _, form, files = FormDataParser().parse(stream, mimetype, len(request.body), options)
    pairs: list[tuple[str, Any]] = list(form.items(multi=True))
    for name, file in files.items(multi=True):
        pairs.append((name, params.Upload(file.filename or "", file.mimetype, file.read())))
    return pairs


def _content_type(header: str) -> tuple[str, dict[str, str]]:
    from werkzeug.http import parse_options_header

    mimetype, options = parse_options_header(header)
    return mimetype, dict(options)
