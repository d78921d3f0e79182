"""Who may ask: any test key, nothing else."""

from __future__ import annotations

import base64
import binascii

from app.sandbox.errors import StripeError

_SECRET = ("sk_test_", "rk_test_")
_WITH_PUBLISHABLE_KEY = ("/v1/tokens", "/v1/payment_methods", "/v1/payment_pages")


def check(method: str, path: str, header: str) -> None:
    """Refuse a request without a usable key: 401 as Stripe words it."""
    key = _key(header)
    if not key:
        raise StripeError(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if key.startswith(_SECRET):
        return
    if key.startswith("pk_test_"):
        if method == "POST" and path.startswith(_WITH_PUBLISHABLE_KEY):
            return
        raise StripeError(
            "This API call cannot be made with a publishable API key. Please use a secret API key.",
            status=401,
            code="secret_key_required",
        )
    if key.startswith(("sk_live_", "rk_live_", "pk_live_")):
        raise StripeError(f"This is a sandbox and takes test keys only; a live key was sent: {hidden(key)}", status=401)
    raise StripeError(f"Invalid API Key provided: {hidden(key)}", status=401)


def hidden(key: str) -> str:
    """The first and last letters; the middle is never repeated."""
    if len(key) <= 12:
        return key[:3] + "*" * max(len(key) - 3, 0)
    return f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"


def _key(header: str) -> str:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode("utf-8", "replace").partition(":")[0]
        except binascii.Error:
            return ""
    return ""
