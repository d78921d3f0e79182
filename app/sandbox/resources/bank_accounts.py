"""Test bank accounts for ACH and Bacs debits: which number does what. SEPA's stand in `ibans`.

After Stripe's testing pages for ACH and Bacs Direct Debit. Any other number of the right form pays.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.errors import StripeError, invalid, missing
from app.sandbox.params import Obj
from app.sandbox.resources import ibans
from app.sandbox.resources.cards import fingerprint

SOON = 20
LATER = 180
NEVER = 0
DEBITS = ("sepa_debit", "us_bank_account", "bacs_debit")


@dataclass(frozen=True)
class TestAccount:
    """`outcome` is succeeds, disputed, or a key of DECLINES; the bank answers after so many `seconds` (0: never).

    mandate: what the network says to the permission, `accepted` or `refused`. reachable: can micro-deposits arrive?
    """

    __test__ = False

    outcome: str = "succeeds"
    seconds: int = SOON
    mandate: str = "accepted"
    reachable: bool = True


_ACH = {
    "000123456789": TestAccount(),
    "000111111113": TestAccount("ach_account_closed"),
    "000111111116": TestAccount("ach_no_account"),
    "000222222227": TestAccount("ach_insufficient_funds"),
    "000333333335": TestAccount("debit_not_authorized"),
    "000444444440": TestAccount("ach_invalid_currency"),
    "000555555559": TestAccount("disputed"),
    "000666666661": TestAccount(reachable=False),
    "000777777771": TestAccount("charge_exceeds_weekly_limit"),
    "000888888885": TestAccount("ach_tokenized_account"),
    "000000000009": TestAccount(seconds=NEVER),
}
_BACS = {
    "00012345": TestAccount(),
    "90012345": TestAccount(seconds=LATER),
    "33333335": TestAccount("debit_not_authorized"),
    "93333335": TestAccount("debit_not_authorized", LATER),
    "22222227": TestAccount("bacs_insufficient_funds"),
    "92222227": TestAccount("bacs_insufficient_funds", LATER),
    "55555559": TestAccount("disputed", LATER),
    "00033333": TestAccount("debit_not_authorized", mandate="refused"),
}
_UNUSABLE = "00044444"
_SEPA_REFUSALS = {"fails": "sepa_refused", "insufficient_funds": "sepa_insufficient_funds"}
_ALIASES = {
    "success": "000123456789",
    "accountClosed": "000111111113",
    "noAccount": "000111111116",
    "insufficientFunds": "000222222227",
    "debitNotAuthorized": "000333333335",
    "invalidCurrency": "000444444440",
    "dispute": "000555555559",
    "processing": "000000000009",
    "weeklyLimitExceeded": "000777777771",
    "failMicrodeposits": "000666666661",
}

ROUTING = "110000000"
SORT_CODE = "108800"


def _mark(kind: str, number: str) -> str:
    return fingerprint(f"{kind} {number}")


_BY_MARK = {_mark("us_bank_account", number): told for number, told in _ACH.items()}
_BY_MARK |= {_mark("bacs_debit", number): told for number, told in _BACS.items()}


def behaviour(details: Obj) -> TestAccount:
    """How the bank answers: from a PaymentMethod or from a charge's `payment_method_details`."""
    kind = details["type"]
    mark = (details.get(kind) or {}).get("fingerprint")
    if kind != "sepa_debit":
        return _BY_MARK.get(mark or "", TestAccount())
    told = ibans.behaviour(mark)
    return TestAccount(_SEPA_REFUSALS.get(told.outcome, told.outcome), told.seconds)


def by_alias(name: str) -> str | None:
    """The account number of `pm_usBankAccount_success` and its like."""
    return _ALIASES.get(name.removeprefix("pm_usBankAccount_")) if name.startswith("pm_usBankAccount_") else None


def us_account(given: Obj) -> Obj:
    """`payment_method.us_bank_account` of a routing and an account number."""
    number, routing = _digits(given, "us_bank_account", "account_number"), given.get("routing_number")
    routing = "".join(str(routing or ROUTING).split())
    if not 4 <= len(number) <= 17:
        raise invalid("Must only contain 4 to 17 digits.", param="us_bank_account[account_number]")
    if len(routing) != 9 or not routing.isdigit() or _routing_sum(routing) % 10:
        raise StripeError(
            "Invalid routing number for US bank accounts.",
            code="routing_number_invalid",
            param="us_bank_account[routing_number]",
        )
    return {
        "account_holder_type": given.get("account_holder_type") or "individual",
        "account_type": given.get("account_type") or "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": _mark("us_bank_account", number),
        "last4": number[-4:],
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": routing,
        "status_details": {},
    }


def bacs_account(given: Obj) -> Obj:
    """`payment_method.bacs_debit` of a sort code and an account number."""
    number = _digits(given, "bacs_debit", "account_number")
    sort_code = _digits(given, "bacs_debit", "sort_code").replace("-", "")
    if len(number) != 8 or len(sort_code) != 6 or number == _UNUSABLE:
        raise StripeError(
            "The account number provided is not valid.",
            code="account_number_invalid",
            param="bacs_debit[account_number]",
        )
    return {"fingerprint": _mark("bacs_debit", number), "last4": number[-4:], "sort_code": sort_code}


def _digits(given: Obj, kind: str, name: str) -> str:
    value = "".join(str(given.get(name) or "").split())
    if not value:
        raise missing(f"{kind}[{name}]")
    if not value.replace("-", "").isdigit():
        raise invalid("Must only contain digits.", param=f"{kind}[{name}]")
    return value


def _routing_sum(routing: str) -> int:
    return sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True))
