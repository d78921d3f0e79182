"""How ways to pay and the permissions behind them are said."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from app.models.act import Act

_THIS_MACHINE = {"localhost", "127.0.0.1"}
# Stripe's names, as people write them. Read it like a table.
TYPES: Mapping[str, str] = {
    "acss_debit": "Canadian debit",
    "au_becs_debit": "BECS debit",
    "bacs_debit": "Bacs debit",
    "card": "Card",
    "cashapp": "Cash App",
    "link": "Link",
    "paypal": "PayPal",
    "sepa_debit": "SEPA debit",
    "us_bank_account": "ACH debit",
}
USES: Mapping[str | None, str] = {"multi_use": "Any number of payments", "single_use": "One payment"}
# Bacs: what the network said.
NETWORK: Mapping[str, str] = {
    "pending": "The network has not read it yet",
    "accepted": "Accepted",
    "refused": "Refused",
    "revoked": "Revoked",
}
REVOKED: Mapping[str, str] = {
    "account_closed": "The account was closed",
    "bank_account_restricted": "The bank restricted the account",
    "bank_ownership_changed": "The account went to another bank",
    "could_not_process": "The bank could not process it",
    "debit_not_authorized": "The customer did not authorise it",
}


def method_type(name: str | None) -> str | None:
    """`sepa_debit` as `SEPA debit`; what is not in the table is shown by Stripe's name."""
    return TYPES.get(name, name.replace("_", " ").capitalize()) if name else None


def uses(name: str | None) -> str | None:
    return USES.get(name, name)


def safe_link(address: str | None, *, trusted: str) -> tuple[str, str] | None:
    """(address, host) of a page that may be opened from ours; else None.

    Over https; or where `trusted`, the sandbox, shows it: on this machine it may have been filled while it had another port.
    """
    if not address or not address.isprintable():
        return None
    try:
        parts, own = urlsplit(address), urlsplit(trusted)
        sandbox = (parts.scheme, parts.netloc) == (own.scheme, own.netloc) or (
            parts.scheme == "http" and {parts.hostname, own.hostname} <= _THIS_MACHINE
        )
        safe = parts.scheme == "https" or sandbox
    except ValueError:
        return None
    return (address, parts.hostname) if safe and parts.hostname and not parts.username else None


def of_act(act: Act | None) -> tuple[str, str, str] | None:
    """(tone, title, text) of the newest act, as long as somebody wants to know of it."""
    if act is None:
        return None
    what = "Change of the default" if act.kind == "method.default" else "Detaching"
    match act.state:
        case "requested":
            return ("wait", f"{what} being sent.", "Stripe has been asked and has not answered yet.")
        case "being_checked":
            return (
                "wait",
                f"{what} being checked.",
                "No certain answer came; it is looked up before it is asked again.",
            )
        case "needs_person":
            return ("bad", f"{what} needs a person.", act.refusal or "")
        case "refused":
            return ("bad", f"{what} refused by Stripe.", f"{act.refusal or ''} Nothing was changed.")
    return None
