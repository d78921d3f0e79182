"""Test bank accounts for SEPA debits: which IBAN does what.

Source: Stripe's SEPA Direct Debit testing page. Any other well-formed IBAN pays.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.errors import invalid
from app.sandbox.resources.cards import fingerprint

MINUTES = 60
SOON = 20
EEA = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS"),
        *("IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    )
)
# Countries whose accounts take SEPA debits although they are outside the EEA: they need a billing address.
SEPA_OUTSIDE_EEA = frozenset(("AD", "CH", "GB", "GI", "MC", "SM", "VA"))


@dataclass(frozen=True)
class TestIban:
    """`outcome`: succeeds, fails, disputed, insufficient_funds or unsupported; `seconds` until the bank answers."""

    __test__ = False

    outcome: str = "succeeds"
    seconds: int = SOON


# The account number behind the country and check digits of Austria's row decides; other countries end alike.
_AUSTRIA = {
    "AT611904300234573201": TestIban(),
    "AT611904300235473201": TestIban(),  # printed on the page, although its check digits are wrong
    "AT321904300235473204": TestIban(seconds=3 * MINUTES),
    "AT861904300235473202": TestIban("fails"),
    "AT051904300235473205": TestIban("fails", 3 * MINUTES),
    "AT591904300235473203": TestIban("disputed"),
    "AT981904300002222227": TestIban("insufficient_funds"),
    "AT271904300000055555": TestIban("unsupported"),
}
_GERMANY = {
    "DE89370400440532013000": TestIban(),
    "DE08370400440532013003": TestIban(seconds=3 * MINUTES),
    "DE62370400440532013001": TestIban("fails"),
    "DE78370400440532013004": TestIban("fails", 3 * MINUTES),
    "DE35370400440532013002": TestIban("disputed"),
}
_ITALY = {"IT40S0542811101000000123456": TestIban(), "IT60X0542811101000000123456": TestIban("fails")}

IBANS: dict[str, TestIban] = {**_AUSTRIA, **_GERMANY, **_ITALY}
_BY_MARK = {fingerprint(iban): behaviour for iban, behaviour in IBANS.items()}

# pm_sepaDebit_<name>_<cc>, for the countries above.
_NAMES = {
    "success": "AT611904300234573201",
    "successDelayed": "AT321904300235473204",
    "failed": "AT861904300235473202",
    "failedDelayed": "AT051904300235473205",
    "disputed": "AT591904300235473203",
    "insufficientFunds": "AT981904300002222227",
}
_GERMAN = {
    "success": "DE89370400440532013000",
    "successDelayed": "DE08370400440532013003",
    "failed": "DE62370400440532013001",
    "failedDelayed": "DE78370400440532013004",
    "disputed": "DE35370400440532013002",
}


def normalised(iban: str) -> str:
    """The IBAN without spaces, or Stripe's refusal of one that is none."""
    compact = "".join(iban.split()).upper()
    if not (15 <= len(compact) <= 34 and compact.isalnum() and compact[:2].isalpha() and compact[2:4].isdigit()):
        raise invalid("The IBAN you provided is invalid.", param="sepa_debit[iban]", code="invalid_bank_account_iban")
    if not _checks_out(compact):
        raise invalid("The IBAN you provided is invalid.", param="sepa_debit[iban]", code="invalid_bank_account_iban")
    return compact


def behaviour(mark: str | None) -> TestIban:
    """How the account with this fingerprint answers."""
    return _BY_MARK.get(mark or "", TestIban())


def by_alias(name: str) -> str | None:
    """The IBAN of `pm_sepaDebit_success_at` and its like."""
    parts = name.split("_")
    if len(parts) != 4 or parts[:2] != ["pm", "sepaDebit"]:
        return None
    return (_GERMAN if parts[3] == "de" else _NAMES).get(parts[2])


def _checks_out(iban: str) -> bool:
    digits = "".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])
    return iban in IBANS or int(digits) % 97 == 1
