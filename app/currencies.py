"""What Stripe means by an amount in each currency.

Babel's table says something else for ISK and UGX, so this one is ours. Source: the currencies page of Stripe's documentation
(zero-decimal, three-decimal and special-case currencies), read for API version 2026-10-28.endive.
"""

from typing import NamedTuple


class Currency(NamedTuple):
    """How many decimals an amount has, and the step in minor units that Stripe accepts."""

    code: str
    decimals: int
    step: int


_ZERO = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THREE = "bhd jod kwd omr tnd"
# Listed as having no decimals in the world, yet sent to Stripe with two that must be zero.
_WHOLE_WITH_TWO = "isk ugx"
_TWO = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk "
    "dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr "
    "lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub "
    "sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd xcg yer zar zmw"
)

CURRENCIES: dict[str, Currency] = {
    **{code: Currency(code, 0, 1) for code in _ZERO.split()},
    **{code: Currency(code, 2, 1) for code in _TWO.split()},
    **{code: Currency(code, 2, 100) for code in _WHOLE_WITH_TWO.split()},
    **{code: Currency(code, 3, 10) for code in _THREE.split()},
}


def currency(code: str) -> Currency:
    """The rule for a currency code in any case; one we do not know yet counts as having two decimals."""
    lowered = code.lower()
    return CURRENCIES.get(lowered) or Currency(lowered, 2, 1)
