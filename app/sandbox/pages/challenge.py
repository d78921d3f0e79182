"""The bank's page: the customer proves who they are, fails to, or goes away."""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.errors import no_such
from app.sandbox.http import Reply
from app.sandbox.pages import rendering
from app.sandbox.pages.visit import Visit, act
from app.sandbox.params import Obj
from app.sandbox.resources import customer_acts
from app.sandbox.resources.intent_states import intent_kind
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@dataclass(frozen=True)
class Challenge:
    intent: Obj
    method: Obj | None
    return_url: str | None

    @property
    def waits(self) -> bool:
        return bool(self.intent["status"] == "requires_action")

    def back(self, outcome: str) -> str:
        """Where the shop wanted its customer back, with what Stripe adds for it to read."""
        kind = self.intent["object"]
        more = {kind: self.intent["id"], f"{kind}_client_secret": self.intent["client_secret"]}
        return rendering.with_query(self.return_url or "", **more, redirect_status=outcome)


@route("GET", "/3ds/{id}")
def show(visit: Visit, id: str) -> Reply:  # noqa: A002
    found = act(visit, lambda tx: _challenge(tx, id))
    if not found.waits:
        return _nothing_to_do(found)
    return rendering.page("challenge", title="Confirm with your bank", found=found, leads_to=[found.return_url])


@route("POST", "/3ds/{id}")
def decide(visit: Visit, id: str) -> Reply:  # noqa: A002
    """`outcome`: pass, fail or leave; who leaves changes nothing, and may come back."""
    outcome = str(visit.form.get("outcome"))
    before = act(visit, lambda tx: _challenge(tx, id))
    if not before.waits:
        return _nothing_to_do(before)
    if outcome == "leave":
        return _go(before, "failed")
    passed = outcome == "pass"
    after = act(visit, lambda tx: customer_acts.authenticate(tx, id, passed=passed))
    good = after["status"] in ("succeeded", "processing", "requires_capture", "requires_confirmation")
    return _go(Challenge(after, before.method, before.return_url), "succeeded" if good else "failed")


def _go(found: Challenge, outcome: str) -> Reply:
    if found.return_url and rendering.is_safe(found.return_url):
        return rendering.redirect(found.back(outcome))
    return _nothing_to_do(found)


def _nothing_to_do(found: Challenge) -> Reply:
    return rendering.page("challenge_done", title="Your bank is not waiting", found=found)


def _challenge(tx: Tx, intent_id: str) -> Challenge:
    intent = tx.get(intent_kind(intent_id), intent_id)
    if intent is None:
        raise no_such("payment", intent_id)
    action = (intent["next_action"] or {}).get("redirect_to_url") or {}
    method = tx.get("payment_method", intent["payment_method"]) if intent["payment_method"] else None
    return Challenge(intent, method, action.get("return_url"))
