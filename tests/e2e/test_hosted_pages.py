"""The sandbox's pages for people: Checkout, the bank's page, portal, invoice, and the page of buttons."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from playwright.sync_api import Browser

from tests.e2e.visitor import Scheme, Visitor, visiting
from tests.sandbox.client import Sandbox
from tests.sandbox.money import events, pay
from tests.stack import Stack, eventually

pytestmark = pytest.mark.browser

DAY = 86_400
PASSWORD = "four unrelated words"


@pytest.fixture
def visitor(browser: Browser, sandbox: Sandbox) -> Iterator[Visitor]:
    with visiting(browser, sandbox.url) as found:
        yield found


def session_for(sandbox: Sandbox, currency: str = "eur", **more: Any) -> stripe.checkout.Session:
    """A basket of 30.00; afterwards the shop wants its customers on a page that is there."""
    tea: Any = {"currency": currency, "unit_amount": 1_500, "product_data": {"name": "Darjeeling, 250 g"}}
    params: Any = {
        "mode": "payment",
        "line_items": [{"price_data": tea, "quantity": 2}],
        "success_url": f"{sandbox.url}/_control/?said=Thank+you",
        "cancel_url": f"{sandbox.url}/_control/?said=Another+time",
        **more,
    }
    return sandbox.stripe().v1.checkout.sessions.create(params)


def customer_for(client: stripe.StripeClient, *methods: str) -> str:
    customer = client.v1.customers.create({"email": "ana@example.com", "name": "Ana Silva"}).id
    for method in methods:
        saved = client.v1.payment_methods.attach(method, {"customer": customer})
        client.v1.payment_methods.update(saved.id, {"allow_redisplay": "always"})
        client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": saved.id}})
    return customer


def open_checkout(visitor: Visitor, session: stripe.checkout.Session, *, fill: str = "", way: str = "card") -> None:
    visitor.open(f"/c/pay/{session.id}?way={way}&fill={fill}")


def test_somebody_types_a_card_and_pays(sandbox: Sandbox, visitor: Visitor) -> None:
    session = session_for(sandbox)
    open_checkout(visitor, session)

    for label, value in {
        "Email": "ana@example.com",
        "Card number": "5555 5555 5555 4444",
        "Expiry date": "11/34",
        "Security code": "123",
        "Name on the card or account": "Ana Silva",
    }.items():
        visitor.page.get_by_label(label, exact=True).fill(value)
    visitor.click("Pay €30.00")

    assert "Thank you" in visitor.words
    done = sandbox.stripe().v1.checkout.sessions.retrieve(session.id)
    assert done.customer_details is not None
    assert (done.status, done.payment_status, done.customer_details.email) == ("complete", "paid", "ana@example.com")
    visitor.open(f"/c/pay/{session.id}")
    assert "You are all done here" in visitor.words


def test_a_form_left_empty_says_what_is_missing(sandbox: Sandbox, visitor: Visitor) -> None:
    session = session_for(sandbox, shipping_address_collection={"allowed_countries": ["DE", "FR"]})
    open_checkout(visitor, session)

    visitor.click("Pay €30.00")

    for words in ("Enter your email address.", "Enter your card number.", "Enter your street and number."):
        assert words in visitor.words
    assert sandbox.objects("payment_method") == sandbox.objects("payment_intent") == []


def test_a_declined_card_can_be_replaced(sandbox: Sandbox, visitor: Visitor) -> None:
    session = session_for(sandbox)
    open_checkout(visitor, session, fill="4000000000009995")

    visitor.click("Pay €30.00")
    assert "Your card has insufficient funds." in visitor.words
    visitor.page.get_by_label("Card number").fill("4242 4242 4242 4242")
    visitor.page.get_by_label("Security code").fill("123")
    visitor.click("Pay €30.00")

    assert "Thank you" in visitor.words
    assert [one["status"] for one in sandbox.objects("payment_intent")] == ["succeeded"]


def test_the_bank_asks_and_the_customer_confirms(sandbox: Sandbox, visitor: Visitor) -> None:
    session = session_for(sandbox)
    open_checkout(visitor, session, fill="4000002760003184")

    visitor.click("Pay €30.00")
    assert "Confirm with your bank" in visitor.words
    visitor.click("Complete authentication")

    assert "Thank you" in visitor.words
    assert sandbox.stripe().v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_the_bank_asks_and_the_customer_fails_or_leaves(sandbox: Sandbox, visitor: Visitor) -> None:
    session = session_for(sandbox)
    open_checkout(visitor, session, fill="4000002760003184")
    visitor.click("Pay €30.00")

    visitor.click("Fail authentication")

    assert "has failed authentication" in visitor.words
    (intent,) = sandbox.objects("payment_intent")
    assert intent["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    open_checkout(visitor, session, fill="4000002760003184")
    visitor.click("Pay €30.00")
    visitor.click("Go away without deciding")
    (intent,) = sandbox.objects("payment_intent")
    assert intent["status"] == "requires_action"
    assert sandbox.stripe().v1.checkout.sessions.retrieve(session.id).status == "open"
    sandbox.advance(DAY + 60)
    visitor.open(f"/c/pay/{session.id}")
    assert "This page has expired" in visitor.words


def test_a_debit_is_agreed_to_and_paid_later(sandbox: Sandbox, visitor: Visitor) -> None:
    session = session_for(sandbox)
    open_checkout(visitor, session, way="sepa_debit", fill="AT611904300234573201")

    visitor.click("Pay €30.00")

    client = sandbox.stripe()
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"
    (mandate,) = sandbox.objects("mandate")
    assert (mandate["status"], mandate["customer_acceptance"]["type"]) == ("active", "online")
    assert "HeadlessChrome" in mandate["customer_acceptance"]["online"]["user_agent"]
    sandbox.advance(30)
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert events(sandbox)[-1] == "checkout.session.async_payment_succeeded"
    visitor.open(f"/mandate/{mandate['id']}")


@pytest.mark.parametrize(
    ("currency", "kind", "number"),
    [("usd", "us_bank_account", "000123456789"), ("gbp", "bacs_debit", "00012345")],
)
def test_american_and_british_accounts_pay_too(
    sandbox: Sandbox, visitor: Visitor, currency: str, kind: Any, number: str
) -> None:
    session = session_for(sandbox, currency, allowed_payment_method_types=["card", kind])
    open_checkout(visitor, session, way=kind, fill=number)

    visitor.page.get_by_role("button", name=re.compile("^Pay")).click()
    visitor.page.wait_for_url("**/_control/**")
    sandbox.advance(30)

    assert sandbox.stripe().v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_saved_card_is_one_click(sandbox: Sandbox, visitor: Visitor) -> None:
    client = sandbox.stripe()
    customer = customer_for(client, "pm_card_visa")
    session = session_for(sandbox, customer=customer)
    visitor.open(f"/c/pay/{session.id}")

    assert visitor.page.get_by_label("Visa ending in 4242").is_checked()
    visitor.click("Pay €30.00")

    (intent,) = sandbox.objects("payment_intent")
    assert (intent["status"], intent["customer"]) == ("succeeded", customer)


def test_who_wants_to_be_remembered_is(sandbox: Sandbox, visitor: Visitor) -> None:
    client = sandbox.stripe()
    customer = customer_for(client)
    options: Any = {"payment_method_save": "enabled"}
    session = session_for(sandbox, customer=customer, saved_payment_method_options=options)
    open_checkout(visitor, session, fill="4242424242424242")

    visitor.page.get_by_label("Save these details for next time").check()
    visitor.click("Pay €30.00")

    (saved,) = client.v1.payment_methods.list({"customer": customer}).data
    assert saved.allow_redisplay == "always"


def test_who_goes_back_pays_nothing(sandbox: Sandbox, visitor: Visitor) -> None:
    session = session_for(sandbox)
    open_checkout(visitor, session)

    visitor.click("Back to Counterfoil Sandbox", role="link")

    assert "Another time" in visitor.words
    assert sandbox.stripe().v1.checkout.sessions.retrieve(session.id).status == "open"


def test_setup_mode_saves_a_card_after_the_bank_was_asked(sandbox: Sandbox, visitor: Visitor) -> None:
    client = sandbox.stripe()
    customer = customer_for(client)
    params: Any = {"mode": "setup", "customer": customer, "currency": "eur", "success_url": f"{sandbox.url}/_control/"}
    session = client.v1.checkout.sessions.create(params)
    open_checkout(visitor, session, fill="4000002760003184")

    visitor.click("Save")
    visitor.click("Complete authentication")

    assert client.v1.checkout.sessions.retrieve(session.id).status == "complete"
    assert [one.card and one.card.last4 for one in client.v1.payment_methods.list({"customer": customer}).data] == [
        "3184"
    ]


def test_an_invoice_is_paid_on_its_page(sandbox: Sandbox, visitor: Visitor) -> None:
    client = sandbox.stripe()
    customer = customer_for(client)
    client.v1.invoice_items.create({"customer": customer, "amount": 4_200, "currency": "eur", "description": "Kettle"})
    made = client.v1.invoices.create(
        {
            "customer": customer,
            "collection_method": "send_invoice",
            "days_until_due": 14,
            "pending_invoice_items_behavior": "include",
        }
    )
    invoice = client.v1.invoices.send_invoice(made.id)
    assert invoice.hosted_invoice_url == f"{sandbox.url}/invoice/{invoice.id}"
    visitor.open(f"/invoice/{invoice.id}?way=card&fill=4000002760003184")

    visitor.click("Pay €42.00")
    visitor.click("Complete authentication")

    assert "This invoice is paid" in visitor.words
    assert client.v1.invoices.retrieve(invoice.id).status == "paid"
    pdf = sandbox.http.get(str(invoice.invoice_pdf), timeout=10)
    assert (pdf.headers["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")


def test_a_customer_looks_after_their_billing(sandbox: Sandbox, visitor: Visitor) -> None:
    client = sandbox.stripe()
    customer = customer_for(client, "pm_card_visa")
    product = client.v1.products.create({"name": "Tea club"})
    price = client.v1.prices.create(
        {"product": product.id, "currency": "eur", "unit_amount": 1_900, "recurring": {"interval": "month"}}
    )
    subscription = client.v1.subscriptions.create({"customer": customer, "items": [{"price": price.id}]}).id
    door = client.v1.billing_portal.sessions.create({"customer": customer, "return_url": f"{sandbox.url}/_control/"})
    assert door.url == f"{sandbox.url}/p/session/{door.id}"
    home = f"/p/session/{door.id}"

    visitor.open(home)
    visitor.page.get_by_text("Cancel it").click()
    visitor.page.get_by_label("Why?").select_option("too_expensive")
    visitor.page.get_by_role("button", name=re.compile("^Cancel on")).click()
    visitor.page.get_by_text("Ends on").wait_for()
    ending = client.v1.subscriptions.retrieve(subscription)
    assert ending.cancellation_details is not None
    assert (ending.cancel_at_period_end, ending.cancellation_details.feedback) == (True, "too_expensive")
    visitor.click("Do not cancel")
    assert client.v1.subscriptions.retrieve(subscription).cancel_at_period_end is False

    visitor.open(f"{home}?way=card&fill=4242424242424242")
    visitor.page.get_by_label("Card number").fill("5555 5555 5555 4444")
    visitor.click("Save this payment method")
    visitor.click("Use for my bills: Mastercard ending in 4444")
    visitor.click("Remove: Visa ending in 4242")
    (left,) = client.v1.payment_methods.list({"customer": customer}).data
    found = client.v1.customers.retrieve(customer)
    assert found.invoice_settings is not None
    assert found.invoice_settings.default_payment_method == left.id

    visitor.page.get_by_label("Your name").fill("Ana Sousa")
    visitor.click("Save your details")
    assert client.v1.customers.retrieve(customer).name == "Ana Sousa"
    assert "€19.00, paid" in visitor.words


def test_an_american_account_is_verified_on_its_page(sandbox: Sandbox, visitor: Visitor) -> None:
    client = sandbox.stripe()
    account: Any = {
        "type": "us_bank_account",
        "us_bank_account": {"routing_number": "110000000", "account_number": "000123456789"},
        "billing_details": {"name": "Ana"},
    }
    intent = client.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "usd",
            "confirm": True,
            "payment_method_data": account,
            "allowed_payment_method_types": ["us_bank_account"],
            "mandate_data": {"customer_acceptance": {"type": "offline"}},
            "return_url": "https://shop.example/",
        }
    )
    visitor.open(f"/verify/{intent.id}")

    visitor.page.get_by_label("Code").fill("SM0000")
    visitor.click("Verify")
    assert "does not match" in visitor.words
    visitor.page.get_by_label("Code").fill("SM11AA")
    visitor.click("Verify")

    assert "Your account is verified" in visitor.words
    assert client.v1.payment_intents.retrieve(intent.id).status == "processing"


@pytest.mark.parametrize(
    ("how", "said", "last"),
    [
        ("Pays by card", "is succeeded", "payment_intent.succeeded"),
        ("Card declined", "The bank declined", "payment_intent.payment_failed"),
        ("Pays, disputed at once", "is succeeded", "payment_intent.succeeded"),
        ("SEPA debit", "is processing", "payment_intent.processing"),
    ],
)
def test_a_button_makes_a_customer_pay(sandbox: Sandbox, visitor: Visitor, how: str, said: str, last: str) -> None:
    visitor.open("/_control/")

    visitor.page.get_by_label("How it goes").select_option(how)
    visitor.click("Let them pay: A customer pays")

    assert said in visitor.words
    assert events(sandbox)[-1] == last
    assert len(sandbox.objects("payment_intent")) == 1


def test_buttons_for_what_banks_do(sandbox: Sandbox, visitor: Visitor) -> None:
    client = sandbox.stripe()
    charge = pay(client).latest_charge
    client.v1.refunds.create({"payment_intent": pay(client).id})
    visitor.open("/_control/")

    visitor.click("Warn: Early fraud warning")
    visitor.click("Set aside: Review")
    visitor.click("Send it back: A refund comes back")
    visitor.page.get_by_label("Cause").select_option("product not received")
    charges = visitor.page.get_by_label("Charge").nth(0)
    charges.select_option(getattr(charge, "id", None))
    visitor.click("Complain: A bank complains")
    visitor.click("Decide: A bank decides")

    (dispute,) = sandbox.objects("dispute")
    assert (dispute["reason"], dispute["status"]) == ("product_not_received", "won")
    assert [one["status"] for one in sandbox.objects("refund")] == ["failed"]
    assert len(sandbox.objects("radar.early_fraud_warning")) == len(sandbox.objects("review")) == 1


def test_buttons_for_time_and_payouts(sandbox: Sandbox, visitor: Visitor) -> None:
    pay(sandbox.stripe())
    visitor.open("/_control/")
    visitor.click("Pay out: Payout")
    assert "No money is available yet" in visitor.words

    visitor.page.get_by_label("How long").select_option("A week")
    visitor.click("Wait: Time passes")
    visitor.click("Pay out: Payout")
    visitor.page.get_by_label("How long").select_option("Until the month is over")
    visitor.click("Wait: Time passes")
    visitor.click("Send it back: A payout fails")

    (payout,) = sandbox.objects("payout")
    assert (payout["status"], payout["failure_code"]) == ("failed", "account_closed")


def test_buttons_for_bad_days(sandbox: Sandbox, visitor: Visitor) -> None:
    visitor.open("/_control/")

    visitor.click("Do it: Stripe has a bad day")
    assert sandbox.call("GET", "/v1/balance").status_code == 503
    assert "A fault is switched on" in visitor.words
    visitor.page.get_by_label("What goes wrong").select_option("Nothing: all works again")
    visitor.click("Do it: Stripe has a bad day")

    assert sandbox.call("GET", "/v1/balance").status_code == 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["desk", "phone"])
def test_every_page_can_be_read_by_everybody(sandbox: Sandbox, browser: Browser, width: str, scheme: Scheme) -> None:
    """WCAG and a silent console, on a screen and on a phone, by day and by night; see `Visitor.look`."""
    client = sandbox.stripe()
    customer = customer_for(client, "pm_card_visa", "pm_card_mastercard")
    session = session_for(
        sandbox,
        customer=customer,
        shipping_address_collection={"allowed_countries": ["DE", "FR"]},
        billing_address_collection="required",
        phone_number_collection={"enabled": True},
        allow_promotion_codes=True,
        consent_collection={"terms_of_service": "required"},
        custom_fields=[{"key": "size", "label": {"custom": "Size", "type": "custom"}, "type": "text"}],
    )
    over = session_for(sandbox)
    client.v1.checkout.sessions.expire(over.id)
    secure = pay(
        client,
        "pm_card_authenticationRequired",
        automatic_payment_methods={"enabled": True},
        return_url="https://shop.example/",
    )
    paid = pay(client, "pm_card_createDispute")
    door = client.v1.billing_portal.sessions.create({"customer": customer}).id
    with visiting(browser, sandbox.url, width, scheme) as found:
        for path in (
            f"/c/pay/{session.id}",
            f"/c/pay/{session.id}?way=sepa_debit&fill=AT611904300234573201",
            f"/c/pay/{over.id}",
            f"/3ds/{secure.id}",
            f"/3ds/{paid.id}",
            f"/p/session/{door}",
            f"/receipt/{getattr(paid.latest_charge, 'id', '')}",
            "/_control/",
        ):
            found.open(path)
        found.open(f"/c/pay/{session.id}")
        found.page.get_by_label("Card", exact=True).check()
        found.page.get_by_role("button", name=re.compile("^Pay")).click()
        found.page.get_by_role("alert").wait_for()
        found.look()


def test_a_button_of_the_sandbox_moves_the_real_desk(
    sandbox: Sandbox, stack: Stack, browser: Browser, visitor: Visitor
) -> None:
    """From the page of buttons by webhook to the desk, without anybody telling the desk to look."""
    stack.run("staff", "add", "ana@shop.example", "--role", "admin", "--password-stdin", given=PASSWORD)
    visitor.open("/_control/")
    visitor.page.get_by_label("How it goes").select_option("Pays, disputed at once")
    visitor.click("Let them pay: A customer pays")
    (dispute,) = sandbox.objects("dispute")

    with visiting(browser, stack.url) as ana:
        ana.sign_in("ana@shop.example", PASSWORD)

        def arrived() -> bool:
            ana.page.goto(f"{stack.url}/admin/disputes/{dispute['id']}")
            return "Needs response" in ana.page.locator("main").inner_text()

        eventually(arrived)
        visitor.page.get_by_label("Outcome").select_option("Won")
        visitor.click("Decide: A bank decides")
        eventually(lambda: ana.page.reload() and "Won" in ana.page.locator("main").inner_text())
