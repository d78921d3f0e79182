"""Payment links: one address, a fresh Checkout Session for everybody who opens it."""

from typing import Any

import requests
import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import events, refused
from tests.sandbox.sdk_types import misfits
from tests.sandbox.test_checkout import card, press


def link_for(client: stripe.StripeClient, **more: Any) -> stripe.PaymentLink:
    product = client.v1.products.create({"name": "Tea"})
    price = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 1_500})
    params: Any = {"line_items": [{"price": price.id, "quantity": 2}], **more}
    return client.v1.payment_links.create(params)


def open_link(link: stripe.PaymentLink, query: str = "") -> str:
    """Open it as a browser does; the id of the session it leads to."""
    answer = requests.get(link.url + query, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def test_everybody_who_opens_it_gets_a_session_of_their_own(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    link = link_for(client, metadata={"shelf": "3"})

    first, second = open_link(link, "?client_reference_id=b7&prefilled_email=ana%40example.com"), open_link(link)

    assert first != second
    found = client.v1.checkout.sessions.list({"payment_link": link.id}).data
    assert [one.id for one in found] == [second, first]
    assert (found[1].amount_total, found[1].customer_email, found[1].client_reference_id) == (
        3_000,
        "ana@example.com",
        "b7",
    )
    assert found[1].metadata is not None
    assert found[1].metadata["shelf"] == "3"
    assert press(sandbox, first, card(client)).status_code == 200
    assert client.v1.checkout.sessions.retrieve(first).payment_status == "paid"
    assert [item.quantity for item in client.v1.payment_links.line_items.list(link.id).data] == [2]


def test_it_closes_when_enough_were_sold_or_by_hand(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    link = link_for(client, restrictions={"completed_sessions": {"limit": 1}})
    press(sandbox, open_link(link), card(client))
    other = link_for(client)

    client.v1.payment_links.update(other.id, {"active": False, "inactive_message": "Sold out."})

    for closed, words in ((link, "no longer active"), (other, "Sold out.")):
        answer = requests.get(closed.url, allow_redirects=False, timeout=10)
        assert (answer.status_code, words in answer.text) == (410, True)
    assert len(sandbox.objects("checkout.session")) == 1
    assert events(sandbox).count("payment_link.updated") == 1
    assert [one.id for one in client.v1.payment_links.list({"active": True}).data] == [link.id]


def test_a_link_without_anything_to_buy_is_refused(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    error = refused(client.v1.payment_links.create, {"line_items": []})

    assert (error.code, error.param) == ("parameter_missing", "line_items")
    assert sandbox.objects("payment_link") == []


def test_links_fit_the_types_of_the_sdk(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    link_for(
        client,
        after_completion={"type": "redirect", "redirect": {"url": "https://shop.example/"}},
        payment_intent_data={"description": "Tea"},
        restrictions={"completed_sessions": {"limit": 5}},
    )

    assert {line for one in sandbox.objects("payment_link") for line in misfits(one, stripe.PaymentLink)} == set()
