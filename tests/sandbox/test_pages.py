"""What the sandbox's pages answer to programs: safe headers, no forms of strangers, addresses that lead back."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.sandbox.billing import price
from tests.sandbox.client import Sandbox
from tests.sandbox.money import events, pay, refused
from tests.sandbox.test_checkout import card, press, session_for


def test_a_page_lets_nothing_in_from_elsewhere(sandbox: Sandbox) -> None:
    session = session_for(sandbox.stripe())

    answer = sandbox.http.get(str(session.url), timeout=10)

    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'self' https://shop.example"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script" not in answer.text
    assert "style=" not in answer.text


@pytest.mark.parametrize(
    "path", ["/c/pay/cs_none", "/3ds/pi_none", "/p/session/bps_none", "/invoice/in_none", "/c/x/y"]
)
def test_a_page_that_is_not_there_says_so_in_words(sandbox: Sandbox, path: str) -> None:
    answer = sandbox.http.get(sandbox.url + path, timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "This does not work" in answer.text


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)
def test_another_sites_form_is_refused(sandbox: Sandbox, headers: dict[str, str]) -> None:
    form = {"scene": "pay", "how": "pays", "currency": "usd"}

    answer = sandbox.http.post(f"{sandbox.url}/_control/", data=form, headers=headers, timeout=10)

    assert answer.status_code == 403
    assert sandbox.objects("payment_intent") == []


def test_the_banks_page_leads_back_with_what_happened(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    back = "https://shop.example/back?order=7"
    intent = pay(client, "pm_card_authenticationRequired", automatic_payment_methods={"enabled": True}, return_url=back)
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    page = intent.next_action.redirect_to_url.url
    assert page == f"{sandbox.url}/3ds/{intent.id}"

    left = sandbox.http.post(str(page), data={"outcome": "leave"}, allow_redirects=False, timeout=10)
    passed = sandbox.http.post(str(page), data={"outcome": "pass"}, allow_redirects=False, timeout=10)
    again = sandbox.http.post(str(page), data={"outcome": "fail"}, allow_redirects=False, timeout=10)

    known = f"payment_intent={intent.id}&payment_intent_client_secret={intent.client_secret}"
    assert left.headers["Location"] == f"{back}&{known}&redirect_status=failed"
    assert passed.headers["Location"] == f"{back}&{known}&redirect_status=succeeded"
    assert (again.status_code, "Your bank is not waiting" in again.text) == (200, True)
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_the_banks_page_sends_nobody_into_a_program(sandbox: Sandbox) -> None:
    intent = pay(
        sandbox.stripe(),
        "pm_card_authenticationRequired",
        automatic_payment_methods={"enabled": True},
        return_url="javascript:alert(1)",
    )

    answer = sandbox.http.post(
        f"{sandbox.url}/3ds/{intent.id}", data={"outcome": "pass"}, allow_redirects=False, timeout=10
    )

    assert (answer.status_code, "Location" in answer.headers) == (200, False)


def test_pressing_twice_pays_once(sandbox: Sandbox) -> None:
    session = session_for(sandbox.stripe())
    form = {
        "way": "card", "number": "4242424242424242", "expiry": "12/40", "cvc": "123", "name": "Ana",
        "email": "ana@example.com",
    }  # fmt: skip

    first, second = (
        sandbox.http.post(str(session.url), data=form, allow_redirects=False, timeout=10) for _ in range(2)
    )

    assert first.headers["Location"] == f"https://shop.example/thanks?s={session.id}"
    assert (second.status_code, "You are all done here" in second.text) == (200, True)
    assert len(sandbox.objects("charge")) == 1


def test_typed_words_are_shown_as_words(sandbox: Sandbox) -> None:
    session = session_for(sandbox.stripe())
    evil = '"><script>alert(1)</script>'

    answer = sandbox.http.post(str(session.url), data={"way": "card", "name": evil, "email": evil}, timeout=10)

    assert evil not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_a_browser_at_the_front_door_is_shown_the_way(sandbox: Sandbox) -> None:
    browser = sandbox.http.get(sandbox.url + "/", headers={"Accept": "text/html"}, allow_redirects=False, timeout=10)

    assert (browser.status_code, browser.headers["Location"]) == (303, "/_control/")
    assert sandbox.http.get(sandbox.url + "/", timeout=10).status_code in (401, 404)


def test_pressing_at_the_same_moment_pays_once(sandbox: Sandbox) -> None:
    session = session_for(sandbox.stripe())
    form = {
        "way": "card", "number": "4242424242424242", "expiry": "12/40", "cvc": "123", "name": "Ana",
        "email": "ana@example.com",
    }  # fmt: skip

    def press(_: int) -> int:
        return requests.post(str(session.url), data=form, allow_redirects=False, timeout=20).status_code

    with ThreadPoolExecutor(8) as crowd:
        answers = sorted(crowd.map(press, range(8)))

    assert answers == [200] * 7 + [303]
    assert [one["paid"] for one in sandbox.objects("charge")] == [True]
    assert events(sandbox).count("checkout.session.completed") == 1


def test_a_trial_is_free_but_for_what_is_bought_once(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    monthly, once = price(client, 1_900).id, price(client, 700, None).id
    session = session_for(
        client,
        mode="subscription",
        line_items=[{"price": monthly, "quantity": 1}, {"price": once, "quantity": 1}],
        subscription_data={"trial_period_days": 7},
    )

    shown = " ".join(re.sub("<[^>]+>", " ", sandbox.http.get(str(session.url), timeout=10).text).split())
    press(sandbox, session.id, card(client), 2_600)

    assert "$7.00 7 days free, then $19.00" in shown
    assert "After the trial $19.00 Total today $7.00" in shown
    assert [invoice.amount_paid for invoice in client.v1.invoices.list().data] == [700]


def test_a_trial_that_is_no_number_opens_no_session(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    items = [{"price": price(client).id, "quantity": 1}]

    no = refused(
        session_for, client, mode="subscription", line_items=items, subscription_data={"trial_period_days": "a week"}
    )

    assert no.code == "parameter_invalid_integer"
    assert client.v1.checkout.sessions.list().data == []
