"""What happens to subscriptions by itself: renewals, the ends of trials, first payments that never came."""

from __future__ import annotations

from app.sandbox.billing import paying, settings, subscription_shapes
from app.sandbox.billing import subscription_billing as billing
from app.sandbox.billing.subscription_states import move
from app.sandbox.params import Obj
from app.sandbox.routes import timer
from app.sandbox.tx import Tx

DAY = 86_400
NOTICE = 3 * DAY
BILLED = ("active", "trialing", "past_due", "unpaid")


def plan(tx: Tx, subscription: Obj, every: list[Obj]) -> None:
    """Wait for what comes first: the end of a period, or of the subscription."""
    at = min(int(one["current_period_end"]) for one in every)
    if subscription["cancel_at"]:
        at = min(at, subscription["cancel_at"])
    tx.later(max(at, tx.now), "subscription_renews", subscription=subscription["id"], when=at)
    notice = at - settings.upcoming_days(tx) * DAY
    if tx.now < notice < at:
        tx.later(notice, "invoice_is_upcoming", subscription=subscription["id"], when=at)


def plan_trial_notice(tx: Tx, subscription: Obj) -> None:
    """customer.subscription.trial_will_end three days before, or at once for a short trial."""
    if subscription["status"] != "trialing":
        return
    at = subscription["trial_end"] - NOTICE
    if at <= tx.now:
        tx.emit("customer.subscription.trial_will_end", subscription)
    else:
        tx.later(at, "trial_will_end", subscription=subscription["id"], when=subscription["trial_end"])


@timer("trial_will_end")
def trial_will_end(tx: Tx, subscription: str, when: int) -> None:
    found = tx.get("subscription", subscription)
    if found and found["status"] == "trialing" and found["trial_end"] == when:
        tx.emit("customer.subscription.trial_will_end", found)


@timer("subscription_gives_up")
def gives_up(tx: Tx, subscription: str) -> None:
    """Nobody paid the first invoice for 23 hours: incomplete_expired, and the invoice is void."""
    from app.sandbox.billing import invoice_steps

    found = tx.require("subscription", subscription)
    if found["status"] != "incomplete":
        return
    invoice = tx.require("invoice", found["latest_invoice"])
    if invoice["status"] == "open":
        invoice_steps.void(tx, invoice)
    move(tx, found, "incomplete_expired", ended_at=tx.now)


@timer("subscription_renews")
def renews(tx: Tx, subscription: str, when: int) -> None:
    """The period planned for `when` is over, unless something else was decided meanwhile."""
    found = tx.require("subscription", subscription)
    if found["status"] not in BILLED:
        return
    every = subscription_shapes.items_of(tx, found)
    first = min(int(one["current_period_end"]) for one in every)
    if when != min(first, found["cancel_at"] or first):
        return
    if found["cancel_at"] is not None and found["cancel_at"] <= tx.now:
        from app.sandbox.billing.subscription_ends import end

        end(tx, found, reason=found["cancellation_details"]["reason"] or "cancellation_requested")
        return
    if found["status"] == "trialing" and found["trial_end"] <= tx.now and not may_end_trial(tx, found):
        return
    renew(tx, found, every)
    plan(tx, found, every)


def renew(tx: Tx, subscription: Obj, every: list[Obj]) -> Obj:
    """Open the next period of every item whose period is over, and draft its invoice: invoice.created,
    customer.subscription.updated."""
    from app.sandbox.billing.subscription_create import grid

    customer = tx.require("customer", subscription["customer"])
    before = {name: subscription[name] for name in ("items", "latest_invoice", "status")}
    before["items"] = {"data": [dict(one) for one in every]}
    due = [one for one in every if one["current_period_end"] <= tx.now]
    past = (min(one["current_period_start"] for one in due), tx.now)
    for one in due:
        start, finish = grid(subscription, one, tx.now)
        one.update(current_period_start=start, current_period_end=finish)
    own = [billing.period_line(tx, subscription, one) for one in due]
    invoice = billing.draft(tx, subscription, customer, "subscription_cycle", own, period=past)
    if subscription["status"] == "unpaid":
        invoice["auto_advance"] = False
        tx.put(invoice)
    else:
        billing.finalize_later(tx, invoice)
    subscription["latest_invoice"] = invoice["id"]
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    subscription_shapes.keep(tx, subscription, every)
    after = {**subscription, "items": {"data": every}}
    tx.emit("customer.subscription.updated", subscription, subscription_shapes.changed(before, after))
    return invoice


def may_end_trial(tx: Tx, subscription: Obj) -> bool:
    """False when there is nothing to charge and the subscription was paused or ended for it."""
    wish = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if wish == "create_invoice" or subscription["collection_method"] != "charge_automatically":
        return True
    customer = tx.require("customer", subscription["customer"], lock=False)
    if paying.default_method(tx, customer, subscription) is not None:
        return True
    if wish == "pause":
        from app.sandbox.billing.subscription_pauses import stop

        stop(tx, subscription, "trial_end_without_payment_method")
    else:
        from app.sandbox.billing.subscription_ends import end

        end(tx, subscription, reason="payment_failed")
    return False


@timer("invoice_is_upcoming")
def is_upcoming(tx: Tx, subscription: str, when: int) -> None:
    """invoice.upcoming: what the next invoice will probably say. It has no id."""
    from app.sandbox.billing.previews import of_renewal

    found = tx.get("subscription", subscription)
    if found is None or found["status"] not in BILLED or found["cancel_at"]:
        return
    every = subscription_shapes.items_of(tx, found)
    told = tx.get("sandbox.upcoming", subscription)
    if when != min(int(one["current_period_end"]) for one in every) or (told and told["when"] == when):
        return
    tx.put({"object": "sandbox.upcoming", "id": subscription, "when": when})
    preview = of_renewal(tx, subscription)
    preview.pop("id")
    tx.emit("invoice.upcoming", preview)
