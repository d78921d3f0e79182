"""Checkout: what somebody buys on the stub, how they pay on the slip."""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.billing.prices import trial_days
from app.sandbox.checkout import paying, promotions
from app.sandbox.checkout.payer import Payer
from app.sandbox.checkout.sessions import lines_of
from app.sandbox.errors import StripeError, no_such
from app.sandbox.http import Reply
from app.sandbox.pages import checkout_form, rendering
from app.sandbox.pages.checkout_form import FORMS, Entry
from app.sandbox.pages.fills import FILLS, typed
from app.sandbox.pages.visit import Visit, act
from app.sandbox.params import Obj
from app.sandbox.routes import route
from app.sandbox.tx import Tx

WRONG = "Some of it is not right yet. See the notes beside the fields."


@dataclass(frozen=True)
class Counter:
    """Everything the page shows of a session."""

    session: Obj
    lines: list[Obj]
    saved: list[Obj]
    intent: Obj | None
    trial_days: int | None

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in FORMS if kind in self.session["payment_method_types"]]

    @property
    def ways(self) -> list[str]:
        return [*(method["id"] for method in self.saved), *self.kinds]

    @property
    def free(self) -> bool:
        return bool(self.session["mode"] == "payment" and self.session["amount_total"] == 0)

    @property
    def due_now(self) -> int:
        """In minor units: during a trial only what is bought once."""
        if not self.trial_days:
            return int(self.session["amount_total"] or 0)
        return sum(line["amount_total"] for line in self.lines if not line["price"]["recurring"])

    @property
    def due_later(self) -> int:
        return int(self.session["amount_total"] or 0) - self.due_now

    @property
    def offers_to_save(self) -> bool:
        options = self.session["saved_payment_method_options"] or {}
        asked = options.get("payment_method_save") == "enabled"
        return asked and self.session["mode"] == "payment" and self.session["customer"] is not None

    @property
    def leads_to(self) -> str:
        url = str(self.session["success_url"] or self.session.get("return_url"))
        return url.replace("{CHECKOUT_SESSION_ID}", self.session["id"])


@route("GET", "/c/pay/{id}")
def show(visit: Visit, id: str) -> Reply:  # noqa: A002
    counter = act(visit, lambda tx: _counter(tx, id))
    returned = visit.asked.get("redirect_status")
    if counter.session["status"] != "open":
        if returned and counter.session["status"] == "complete":
            return rendering.redirect(counter.leads_to)
        return _over(counter)
    kind = str(visit.asked.get("way", "card"))
    entry = Entry(typed(kind, str(visit.asked.get("fill", ""))) or {"way": next(iter(counter.ways), "")})
    if returned == "failed":
        entry.wrong[""] = _why(counter)
    return _form(counter, entry)


@route("POST", "/c/pay/{id}/promotion")
def promote(visit: Visit, id: str) -> Reply:  # noqa: A002
    """A code typed beside the basket."""
    entry = Entry({name: str(value) for name, value in visit.form.items()})
    try:
        act(visit, lambda tx: promotions.type_in(tx, tx.require("checkout.session", id), entry.get("promotion")))
    except StripeError as refusal:
        counter = act(visit, lambda tx: _counter(tx, id))
        entry.typed["way"] = next(iter(counter.ways), "")
        entry.wrong["promotion"] = refusal.message
        return _form(counter, entry) if counter.session["status"] == "open" else _over(counter)
    return rendering.redirect(f"/c/pay/{id}")


@route("POST", "/c/pay/{id}")
def pay(visit: Visit, id: str) -> Reply:  # noqa: A002
    """Stays on the page when something is wrong, goes to the bank's page, or to where the shop wants its customers."""
    entry = Entry({name: str(value) for name, value in visit.form.items()})
    counter = act(visit, lambda tx: _counter(tx, id))
    if counter.session["status"] != "open":
        return _over(counter)
    if not counter.free:
        checkout_form.check(entry, counter.session, counter.ways)
    if entry.wrong:
        entry.wrong.setdefault("", WRONG)
        return _form(counter, entry)
    try:
        intent = act(visit, lambda tx: _pay(tx, visit, id, entry))
    except StripeError as refusal:
        entry.blame(refusal)
        now = act(visit, lambda tx: _counter(tx, id))
        return _form(now, entry) if now.session["status"] == "open" else _over(now)
    action = (intent or {}).get("next_action") or {}
    if "redirect_to_url" in action:
        return rendering.redirect(action["redirect_to_url"]["url"])
    return rendering.redirect(counter.leads_to)


def _pay(tx: Tx, visit: Visit, session_id: str, entry: Entry) -> Obj | None:
    session = tx.require("checkout.session", session_id)
    paying.check_open(session)
    if session["mode"] == "payment" and session["amount_total"] == 0:
        who = Payer("", email=entry.get("email") or None)
    else:
        who = checkout_form.payer(tx, entry, session, visit.agent)
    return paying.pay(tx, session, who)


def _counter(tx: Tx, session_id: str) -> Counter:
    session = tx.get("checkout.session", session_id)
    if session is None:
        raise no_such("checkout session", session_id)
    kept = tx.get("sandbox.session", session_id) or {}
    waiting = session["payment_intent"] or session["setup_intent"]
    kind = "setup_intent" if session["setup_intent"] else "payment_intent"
    return Counter(
        session,
        lines_of(tx, session_id),
        _saved(tx, session),
        tx.get(kind, waiting) if waiting else None,
        trial_days(kept.get("subscription_data") or {}),
    )


def _saved(tx: Tx, session: Obj) -> list[Obj]:
    """What this customer has saved and may see here."""
    if session["customer"] is None or session["mode"] == "setup":
        return []
    shown = (session["saved_payment_method_options"] or {}).get("allow_redisplay_filters") or ["always"]
    return [
        method
        for method in tx.find("payment_method", customer=session["customer"], limit=20)
        if method["type"] in session["payment_method_types"] and method["allow_redisplay"] in shown
    ]


def _why(counter: Counter) -> str:
    intent = counter.intent or {}
    error = intent.get("last_payment_error") or intent.get("last_setup_error")
    return error["message"] if error else "Your bank did not confirm it. Try again, or pay in another way."


def _form(counter: Counter, entry: Entry) -> Reply:
    return rendering.page(
        "checkout",
        leads_to=[counter.leads_to],
        counter=counter,
        session=counter.session,
        entry=entry,
        fills=FILLS,
        asks_email=checkout_form.asks_email(counter.session),
        needs_terms=checkout_form.needs_terms(counter.session),
        prefixes=checkout_form.address_prefixes(counter.session),
    )


def _over(counter: Counter) -> Reply:
    return rendering.page("checkout_over", counter=counter, session=counter.session)
