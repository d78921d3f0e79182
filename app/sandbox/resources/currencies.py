"""What Stripe lets you charge: decimals, smallest and largest amounts, rates between currencies.

Zero- and three-decimal lists and the minimums follow Stripe's currency documentation; the rates are made up once and
never move, so that every run of the sandbox converts alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.errors import StripeError, invalid

ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# Sent with two decimals although nobody has coins for them.
WHOLE_UNITS_ONLY = frozenset(("isk", "ugx"))

# The account keeps these; everything else is converted into the first.
SETTLED = ("usd", "eur", "gbp")

# How many whole units one US dollar buys.
RATES = {
    "usd": 1.0,
    "aed": 3.67,
    "ars": 980.0,
    "aud": 1.52,
    "bgn": 1.8,
    "bhd": 0.376,
    "bif": 2900.0,
    "brl": 5.4,
    "cad": 1.37,
    "chf": 0.88,
    "clp": 940.0,
    "cny": 7.2,
    "cop": 4100.0,
    "czk": 23.2,
    "djf": 177.0,
    "dkk": 6.87,
    "eur": 0.92,
    "gbp": 0.79,
    "gnf": 8600.0,
    "hkd": 7.8,
    "huf": 362.0,
    "idr": 16000.0,
    "ils": 3.7,
    "inr": 84.0,
    "isk": 138.0,
    "jod": 0.709,
    "jpy": 150.0,
    "kes": 129.0,
    "kmf": 453.0,
    "krw": 1380.0,
    "kwd": 0.307,
    "mga": 4600.0,
    "mxn": 18.5,
    "myr": 4.5,
    "nok": 10.8,
    "nzd": 1.65,
    "omr": 0.385,
    "php": 57.0,
    "pln": 3.95,
    "pyg": 7600.0,
    "qar": 3.64,
    "ron": 4.58,
    "rwf": 1330.0,
    "sar": 3.75,
    "sek": 10.6,
    "sgd": 1.34,
    "thb": 35.0,
    "tnd": 3.1,
    "try": 34.0,
    "twd": 32.0,
    "ugx": 3700.0,
    "vnd": 25000.0,
    "vuv": 119.0,
    "xaf": 604.0,
    "xof": 604.0,
    "xpf": 110.0,
    "zar": 18.2,
}

# Smallest charge in minor units; what is missing here is worth fifty US cents.
MINIMUMS = {
    "usd": 50,
    "aed": 200,
    "aud": 50,
    "bgn": 100,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
}

LARGEST = 99_999_999
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


@dataclass(frozen=True)
class Conversion:
    """What an amount becomes in the account's books; `rate` is None when nothing is converted."""

    amount: int
    currency: str
    rate: float | None


def known_currency(value: str, param: str = "currency") -> str:
    currency = value.lower()
    if currency not in RATES:
        names = ", ".join(sorted(RATES))
        raise invalid(f"Invalid currency: {currency}. Stripe currently supports these currencies: {names}", param=param)
    return currency


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """A charge must be worth taking, and be an amount the currency can express."""
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", param=param, code="parameter_invalid_integer")
    if amount < minimum(currency):
        least = f"{shown(minimum(currency), currency)} {currency}"
        raise invalid(f"Amount must be at least {least}", param=param, code="amount_too_small")
    if amount > LARGEST:
        most = shown(LARGEST, currency)
        raise invalid(f"Amount must be no more than {most}", param=param, code="amount_too_large")
    check_steps(amount, currency, param)


def check_steps(amount: int, currency: str, param: str = "amount") -> None:
    if currency in THREE_DECIMAL and amount % 10:
        raise _uneven(10, currency, param)
    if currency in WHOLE_UNITS_ONLY and amount % 100:
        raise _uneven(100, currency, param)


def minimum(currency: str) -> int:
    if currency in MINIMUMS:
        return MINIMUMS[currency]
    least = round(0.5 * RATES[currency] * float(10 ** decimals(currency)))
    step = 10 if currency in THREE_DECIMAL else 1
    return -(-least // step) * step


def decimals(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def shown(amount: int, currency: str) -> str:
    """`$20.00`, `¥50`, `KWD 5.120`: how Stripe's messages write money."""
    digits = decimals(currency)
    number = f"{amount / 10**digits:,.{digits}f}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{currency.upper()} {number}"


def settle(amount: int, currency: str) -> Conversion:
    """The amount in the currency the account keeps; a currency it keeps stays as it is."""
    if currency in SETTLED:
        return Conversion(amount, currency, None)
    home = SETTLED[0]
    rate = minor_rate(currency, home)
    return Conversion(converted(amount, rate), home, rate)


def minor_rate(source: str, target: str) -> float:
    """Minor units of `target` for one minor unit of `source`, six digits as Stripe prints it."""
    whole = RATES[target] / RATES[source]
    return round(whole * 10.0 ** (decimals(target) - decimals(source)), 6)


def converted(amount: int, rate: float) -> int:
    """Half away from zero, so that a refund mirrors its charge."""
    size = int(abs(amount) * rate + 0.5)
    return size if amount >= 0 else -size


def _uneven(step: int, currency: str, param: str) -> StripeError:
    return invalid(f"Invalid amount: amounts in {currency} must be evenly divisible by {step}.", param=param)
