"""Whose account this world is: always the same one, also after a reset."""

from __future__ import annotations

from app.sandbox import params
from app.sandbox.params import Obj
from app.sandbox.routes import route
from app.sandbox.tx import Tx

ID = "acct_1CounterfoilSandbox"


@route("GET", "/v1/account")
def retrieve(tx: Tx) -> Obj:
    params.allow(tx.params)
    return {
        "id": ID,
        "object": "account",
        "business_profile": {"mcc": None, "name": "Counterfoil Sandbox", "support_email": None, "url": None},
        "business_type": None,
        "capabilities": {"card_payments": "active", "sepa_debit_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "created": 1_704_067_200,  # 1 January 2024
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {
                "decline_on": {"avs_failure": False, "cvc_failure": False},
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": "Counterfoil Sandbox", "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": "COUNTERFOIL"},
        },
        "type": "standard",
    }
