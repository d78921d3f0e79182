"""A small application with the theme and invented data, to look at and to test. The product has none of its routes."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from flask import Flask, flash, render_template
from flask_admin import Admin, AdminIndexView, BaseView, expose
from markupsafe import Markup, escape
from wtforms import BooleanField, Form, RadioField, SelectField, StringField, TextAreaField, validators
from wtforms.fields.choices import SelectChoice

from app.clock import now
from app.web import formatting
from app.web.export import FORMATS
from app.web.formatting import from_macro, init_formatting, status_badge, when
from app.web.headers import csp_nonce, init_headers
from app.web.theme import STATIC, TEMPLATES, Freshness, Person, Shell, init_theme, theme

REASONS = [
    SelectChoice("", "Choose one"),
    SelectChoice("duplicate", "Paid twice"),
    SelectChoice("requested_by_customer", "Customer asked"),
    SelectChoice("fraudulent", "Fraud"),
]


class RefundForm(Form):
    amount = StringField("Amount", [validators.InputRequired()])
    reason = SelectField("Reason", [validators.InputRequired()], choices=REASONS)
    note = TextAreaField("Note")


class EveryField(RefundForm):
    kind = RadioField(
        "Kind", choices=[SelectChoice("full", "Everything"), SelectChoice("part", "A part")], default="full"
    )
    notify = BooleanField("Send the customer a mail")


@dataclass(frozen=True)
class Listing:
    """What templates/admin/model/list.html asks for; the field names are the contract."""

    title: str = "Payments"
    lead: str = "Every charge of this account, newest first."
    count_text: str | None = "about 12,400 payments"
    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    search: dict[str, str] = field(default_factory=lambda: {"value": "", "placeholder": "Email, charge, last 4"})
    filters: list[dict[str, Any]] = field(default_factory=list)
    active_filters: list[dict[str, str]] = field(default_factory=list)
    clear_url: str = "?"
    page_size: int = 25
    page_sizes: list[tuple[int, str]] = field(default_factory=lambda: [(25, "?n=25"), (50, "?n=50"), (100, "?n=100")])
    first_url: str | None = None
    prev_url: str | None = None
    next_url: str | None = "?after=ch_20"
    last_url: str | None = "?last=1"
    export_urls: list[tuple[str, str, str]] = field(
        default_factory=lambda: [(label, f"?{end}", use) for end, label, use in FORMATS]
    )
    chooser: dict[str, Any] | None = None
    menu: dict[str, Any] | None = None
    empty_title: str = "No payments yet"
    empty_text: str = "They appear here with the first webhook or sync."


class Home(AdminIndexView):
    menu_keys = "g h"

    @expose()
    def index(self) -> str:
        needs_me = [
            {"label": "Disputes to answer", "figure": 3, "url": "/admin/payments/", "icon": "gavel", "tone": "bad"},
            {
                "label": "Refunds that failed",
                "figure": 1,
                "url": "/admin/payments/",
                "icon": "receipt-refund",
                "tone": "wait",
            },
            {"label": "Dead events", "figure": 2, "url": "/admin/payments/", "icon": "webhook", "tone": "note"},
        ]
        return self.render("admin/index.html", needs_me=needs_me)


class Payments(BaseView):
    menu_keys = "g p"

    @expose("/")
    def index(self) -> str:
        return self.render("admin/model/list.html", listing=payments())

    @expose("/empty")
    def empty(self) -> str:
        return self.render("admin/model/list.html", listing=nothing_found())


class Gallery(BaseView):
    menu_count = 3
    menu_tone = "bad"

    @expose("/")
    def index(self) -> str:
        flash("Refunded 12.00 EUR. The customer sees it in 5 to 10 days.", "success")
        flash("Only 87.00 EUR is left to refund.", "error")
        form = EveryField(amount="100.00")
        form.amount.errors = ["Only 87.00 EUR is left to refund."]
        return self.render(
            "gallery.html",
            charge=charge(),
            events=events(),
            form=form,
            refund_form=RefundForm(prefix="refund-", amount="87.00"),
            breadcrumbs=[("Payments", "/admin/payments/"), ("Mariam Öztürk", "/admin/payments/")],
        )


def gallery_app(mode: str = "sandbox") -> Flask:
    app = Flask("gallery", static_folder=str(STATIC), template_folder=str(TEMPLATES))
    app.secret_key = "only for the gallery"
    shell = Shell(
        mode=mode,  # type: ignore[arg-type]
        person=Person("Ana Lovelace", "ana@shop.example", "Support lead"),
        freshness=Freshness(now() - timedelta(seconds=40), lag=40),
        search_url="/admin/payments/",
        sign_out_url="/logout",
    )
    init_headers(app)
    init_formatting(app)
    init_theme(app, lambda: shell)
    admin = Admin(
        app,
        name="Counterfoil",
        theme=theme,
        index_view=Home(name="Today", menu_icon_value="home"),
        csp_nonce_generator=csp_nonce,
    )
    admin.add_view(Payments("Payments", "Money", "payments", menu_icon_value="credit-card"))
    admin.add_view(Gallery("Gallery", "Money", "gallery", menu_icon_value="gavel"))
    for name, group, icon in MENU:
        admin.add_view(Payments(name, group, name.lower(), menu_icon_value=icon))
    app.add_url_rule("/sign-in", view_func=sign_in)
    app.add_url_rule("/sign-in/refused", view_func=sign_in_refused)
    app.add_url_rule("/sign-in/wait", view_func=sign_in_wait)
    app.add_url_rule("/login/forgot", endpoint="links.forgot", view_func=sign_in)
    app.add_url_rule("/login/passkey", endpoint="passkey_door.come_in", view_func=sign_in, methods=("POST",))
    app.add_url_rule("/login/passkey/question", endpoint="passkey_door.question", view_func=sign_in, methods=("POST",))
    app.add_url_rule("/error/<int:code>", view_func=error)
    return app


MENU = [
    ("Refunds", "Money", "receipt-refund"),
    ("Payouts", "Money", "building-bank"),
    ("Customers", "People", "users"),
    ("Mandates", "People", "signature"),
    ("Webhooks", "Machine room", "webhook"),
    ("Jobs", "Machine room", "clock-play"),
    ("Audit", "Machine room", "list-details"),
    ("Staff", "Machine room", "user-shield"),
]


def sign_in() -> str:
    return render_template(
        "sign_in.html",
        by_password=True,
        action="/sign-in",
        mode="sandbox",
        hint="The first sandbox account is ana@shop.example.",
    )


def sign_in_refused() -> str:
    return render_template(
        "sign_in.html",
        by_password=True,
        action="/sign-in",
        email="ana@shop.example",
        error="Email or password is wrong.",
    )


def sign_in_wait() -> str:
    return render_template(
        "sign_in.html", by_password=True, action="/sign-in", email="ana@shop.example", retry_after=15, mode="test"
    )


def error(code: int) -> tuple[str, int]:
    return render_template(f"errors/{code}.html", request_id="req-7f3a9c"), code


def payments() -> Listing:
    return Listing(
        columns=COLUMNS,
        rows=[row(number) for number in range(25)],
        filters=FILTERS,
        active_filters=[
            {"label": "Status: Failed or refunded", "remove_url": "?"},
            {"label": "Amount from 10.00", "remove_url": "?"},
        ],
    )


def nothing_found() -> Listing:
    return Listing(
        columns=COLUMNS,
        filters=FILTERS,
        count_text=None,
        next_url=None,
        last_url=None,
        search={"value": "nobody@example.com", "placeholder": ""},
        empty_title="No payment fits",
        empty_text="Try another word or take a filter away.",
    )


COLUMNS = [
    {"name": "customer", "label": "Customer", "align": "start", "priority": 1, "sort_url": "?s=c", "sort_dir": None},
    {"name": "amount", "label": "Amount", "align": "end", "priority": 1, "sort_url": "?s=a", "sort_dir": None},
    {"name": "status", "label": "Status", "align": "start", "priority": 1, "sort_url": None, "sort_dir": None},
    {"name": "card", "label": "Method", "align": "start", "priority": 2, "sort_url": None, "sort_dir": None},
    {"name": "fee", "label": "Fee", "align": "end", "priority": 3, "sort_url": None, "sort_dir": None},
    {"name": "id", "label": "Charge", "align": "start", "priority": 3, "sort_url": None, "sort_dir": None},
    {"name": "at", "label": "Paid", "align": "start", "priority": 1, "sort_url": "?s=d", "sort_dir": "desc"},
]
COUNTRIES = ["AT", "BE", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "JP", "KW", "NL", "PL", "SE", "US"]
FILTERS = [
    {
        "name": "status",
        "label": "Status",
        "kind": "choice",
        "options": [("succeeded", "Succeeded"), ("failed", "Failed")],
        "value": "failed",
        "value_to": None,
    },
    {"name": "amount", "label": "Amount", "kind": "amount", "options": [], "value": "10.00", "value_to": None},
    {"name": "paid", "label": "Paid", "kind": "date", "options": [], "value": None, "value_to": None},
    {
        "name": "country",
        "label": "Country of the card",
        "kind": "choice",
        "options": [(code, code) for code in COUNTRIES],
        "value": None,
        "value_to": None,
    },
    {"name": "decline", "label": "Decline code", "kind": "text", "options": [], "value": None, "value_to": None},
    {"name": "tries", "label": "Tries", "kind": "number", "options": [], "value": None, "value_to": None},
]
PEOPLE = [
    "Mariam Öztürk",
    "Jan Kowalski",
    "Łucja Wójcik",
    "Chidi Okafor",
    "Saoirse O’Brien",
    "Yuki Tanaka",
    "Noah Müller-Hohenstein",
]
STATES = ["succeeded", "succeeded", "failed", "partially_refunded", "disputed", "succeeded", "pending", "refunded"]
AMOUNTS = [(12_900, "eur"), (4_500, "usd"), (980_000, "jpy"), (1_250_000, "eur"), (45_125, "kwd"), (799, "gbp")]


def row(number: int) -> dict[str, Any]:
    minor, currency = AMOUNTS[number % len(AMOUNTS)]
    name = PEOPLE[number % len(PEOPLE)]
    charge_id = f"ch_3Qx{number:02}LkdIwHu7ixZ"
    status = status_badge("charge", STATES[number % len(STATES)])
    card = from_macro("fields", "card_number", "visa", 4242 + number)
    paid = when(now() - timedelta(hours=7 * number, minutes=11))
    cells = [
        escape(name),
        formatting.money(minor, currency),
        status,
        card,
        formatting.money(minor // 40, currency),
        Markup("<code>{}</code>").format(charge_id),
        paid,
    ]
    return {"id": charge_id, "url": "/admin/gallery/", "cells": cells}


def charge() -> SimpleNamespace:
    figures = [
        {"label": "Paid", "minor": 129_900, "currency": "eur", "hint": "by card, in EUR"},
        {"label": "Refunded", "minor": 42_900, "currency": "eur", "hint": "in 2 refunds", "tone": "wait"},
        {"label": "Fee", "minor": 3_802, "currency": "eur", "hint": "2.9 % and 0.30"},
        {"label": "Net", "minor": 83_198, "currency": "eur", "hint": "in payout of 25 Nov", "tone": "good"},
    ]
    sums = [
        {"label": "Paid", "minor": 129_900, "currency": "eur"},
        {"label": "Refunded", "minor": -42_900, "currency": "eur"},
        {"label": "Stripe’s fee", "minor": -3_802, "currency": "eur"},
        {"label": "Net", "minor": 83_198, "currency": "eur", "total": True},
    ]
    return SimpleNamespace(
        id="ch_3QxKd2LkdIwHu7ix0yF4mZbT",
        intent="pi_3QxKd2LkdIwHu7ix0aVQ1n8c",
        customer="Mariam Öztürk",
        amount=129_900,
        currency="eur",
        at=now() - timedelta(days=2, hours=3),
        due=now() + timedelta(hours=50),
        available_on=date(2026, 11, 25),
        figures=figures,
        sums=sums,
        raw={
            "id": "ch_3QxKd2LkdIwHu7ix0yF4mZbT",
            "amount": 129_900,
            "note": "</pre><script>alert(1)</script>",
            "paid": True,
        },
    )


def events() -> list[dict[str, Any]]:
    start = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    return [
        {
            "title": "Refund of 12.00 EUR settled",
            "at": start + timedelta(hours=4),
            "icon": "arrow-back-up",
            "tone": "good",
            "actor": "Stripe",
            "url": "#refund",
        },
        {
            "title": "Refund of 12.00 EUR asked for",
            "at": start + timedelta(hours=3),
            "icon": "user",
            "tone": "note",
            "actor": "Ana Lovelace",
            "text": "Customer asked: one box arrived broken.",
        },
        {
            "title": "First try declined",
            "at": start - timedelta(minutes=2),
            "icon": "x",
            "tone": "bad",
            "text": "insufficient_funds",
        },
        {"title": "Payment succeeded", "at": start, "icon": "check", "tone": "good", "actor": "Stripe"},
    ]


if __name__ == "__main__":
    gallery_app().run(port=5099)
