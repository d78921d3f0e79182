"""Security headers on every answer, and the nonce that lets our own scripts run.

Nothing is allowed that a page does not need: no other origin, no inline handler, no style attribute. `strict-dynamic`
instead of 'self' for scripts, so that a file somebody uploaded to this host can never be run as one.
"""

import secrets

from flask import Flask, Response, request

_NONCE = "counterfoil.csp_nonce"
_FORM_TARGETS = "counterfoil.form_targets"
_HALF_A_YEAR = 15_552_000

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def init_headers(app: Flask) -> None:
    """Set the headers on every answer of this app and give templates `csp_nonce()`."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.after_request(set_headers)


def csp_nonce() -> str:
    """The nonce of this request: random, one per answer.

    It is kept with the request and not in `flask.g`, which outlives a request when a test or a command pushed a context.
    """
    nonce: str = request.environ.setdefault(_NONCE, secrets.token_urlsafe(16))
    return nonce


def allow_form_target(origin: str) -> None:
    """Let forms of this one page be redirected to another origin, for example a hosted checkout.

    Chromium applies `form-action` to the redirect after a POST too, so the page that holds the form has to name it.
    """
    request.environ.setdefault(_FORM_TARGETS, []).append(origin)


def set_headers(response: Response) -> Response:
    """Add what is missing; a view that set one of these itself keeps its own."""
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _policy())
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_HALF_A_YEAR}")
    if "Cache-Control" not in response.headers:
        # Pages hold personal data: neither a proxy nor the Back button after sign-out may bring them back.
        response.headers["Cache-Control"] = "no-store"
    return response


def _policy() -> str:
    nonce = csp_nonce()
    form_targets = " ".join(["'self'", *request.environ.get(_FORM_TARGETS, [])])
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'nonce-{nonce}' 'strict-dynamic'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            f"form-action {form_targets}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
    )
