"""Where Stripe sends its events: read from the real sandbox, compared with what is needed."""

import inspect
import re

import pytest
from flask import Flask
from sqlalchemy import select
from stripe.params import _webhook_endpoint_create_params

from app import clock
from app.database import db
from app.errors import GatewayUnavailable
from app.gateways.current import gateway
from app.mirror import accounts
from app.models.audit_log import AuditLog
from app.models.webhook_endpoint import WebhookEndpoint
from app.webhooks import endpoints
from app.webhooks.handlers import IGNORED, TABLE, kind_of
from tests.desk import staff
from tests.system.conftest import shop  # noqa: F401 - the fixture
from tests.system.shop import Shop

DOMAIN = "https://desk.shop.example"
HERE = f"{DOMAIN}/webhooks/stripe"
PAGE = "/admin/webhooks/health/"


def read() -> dict[str, WebhookEndpoint]:
    account_id = accounts.current(livemode=False).id
    db.session.rollback()
    endpoints.read(gateway().background, account_id=account_id, domain=DOMAIN)
    found = db.session.scalars(select(WebhookEndpoint).execution_options(populate_existing=True)).all()
    db.session.rollback()
    return {row.id: row for row in found}


def test_every_type_we_need_is_one_stripe_can_send_and_one_we_understand() -> None:
    known = set(re.findall(r'^\s+"([a-z0-9_.]+)",$', inspect.getsource(_webhook_endpoint_create_params), re.MULTILINE))

    assert set(endpoints.NEEDED) - known == set()
    assert [name for name in endpoints.NEEDED if kind_of(name) is IGNORED] == []
    assert list(endpoints.NEEDED) == sorted(set(endpoints.NEEDED))


def test_every_kind_the_handlers_know_is_needed_by_some_type() -> None:
    kinds = {kind for _, kind in TABLE if kind is not IGNORED}

    assert {kind_of(name) for name in endpoints.NEEDED} == kinds


def test_an_endpoint_with_too_few_types_says_which_are_missing(shop: Shop) -> None:  # noqa: F811
    few = [name for name in endpoints.NEEDED if name not in {"refund.failed", "mandate.updated"}]
    client = shop.sandbox.stripe().v1.webhook_endpoints
    short = client.create({"url": HERE, "enabled_events": few})
    whole = client.create({"url": f"{DOMAIN}/webhook?key=hunter2", "enabled_events": ["*"]})
    other = client.create({"url": "https://elsewhere.example/hook", "enabled_events": ["charge.succeeded"]})

    found = read()

    assert (found[short.id].ours, found[short.id].missing) == (True, ["mandate.updated", "refund.failed"])
    assert (found[whole.id].ours, found[whole.id].missing, found[whole.id].url) == (True, [], f"{DOMAIN}/webhook")
    assert (found[other.id].ours, found[other.id].missing) == (False, [])


def test_what_is_changed_or_removed_at_stripe_is_so_here_after_the_next_reading(shop: Shop) -> None:  # noqa: F811
    client = shop.sandbox.stripe().v1.webhook_endpoints
    kept = client.create({"url": HERE, "enabled_events": ["charge.succeeded"]})
    removed = client.create({"url": HERE, "enabled_events": ["*"]})
    read()
    client.update(kept.id, {"disabled": True, "enabled_events": ["*"]})
    client.delete(removed.id)

    found = read()

    assert (found[kept.id].status, found[kept.id].enabled_events, found[kept.id].missing) == ("disabled", ["*"], [])
    assert found[kept.id].gone_at is None
    assert found[removed.id].gone_at is not None


def test_a_stripe_that_is_away_changes_nothing(shop: Shop) -> None:  # noqa: F811
    shop.sandbox.stripe().v1.webhook_endpoints.create({"url": HERE, "enabled_events": ["*"]})
    before = {key: row.read_at for key, row in read().items()}
    shop.sandbox.fault("GET", "/v1/webhook_endpoints", status=500)

    with pytest.raises(GatewayUnavailable):
        endpoints.read(gateway(), account_id=accounts.current(livemode=False).id, domain=DOMAIN)

    db.session.rollback()
    rows = db.session.scalars(select(WebhookEndpoint).execution_options(populate_existing=True)).all()
    assert {row.id: row.read_at for row in rows} == before


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        (HERE, True),
        (f"{DOMAIN.upper().replace('HTTPS', 'https')}/webhook", True),
        ("http://desk.shop.example/webhooks/stripe", False),
        ("https://desk.shop.example.evil.example/webhooks/stripe", False),
        ("https://desk.shop.example:8443/webhooks/stripe", False),
        (f"{DOMAIN}/webhooks/stripe/more", False),
        ("", False),
    ],
)
def test_an_endpoint_is_ours_only_where_it_leads_here(url: str, ours: bool) -> None:
    assert endpoints.is_ours(url, DOMAIN) is ours


def test_the_page_asks_stripe_and_says_who_did(shop: Shop) -> None:  # noqa: F811
    shop.sandbox.stripe().v1.webhook_endpoints.create(
        {"url": "https://elsewhere.example/hook", "enabled_events": ["charge.succeeded"]}
    )
    desk = staff(shop.app, "developer", email="dora@shop.example")

    assert "None known" in desk.get(PAGE).words
    desk.post(PAGE)
    page = desk.get(PAGE)

    assert "https://elsewhere.example/hook" in page.words
    assert "No endpoint of this account leads here." in page.words
    [line] = db.session.scalars(select(AuditLog).where(AuditLog.action == "endpoints.read")).all()
    assert (line.actor, line.after) == ("dora@shop.example", {"found": len(shop.sandbox.objects("webhook_endpoint"))})


def test_silence_is_said_when_stripes_list_had_what_no_webhook_brought(app: Flask) -> None:
    from tests import factories

    factories.event(source="catch-up", received_at=clock.now())
    desk = staff(app, "developer")
    assert "No webhook came for an hour" in desk.get(PAGE).words

    factories.event(source="webhook", received_at=clock.now())
    assert "No webhook came for an hour" not in desk.get(PAGE).words
