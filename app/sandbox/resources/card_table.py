"""The cards of Stripe's testing page, by number and by the names of their tokens.

A name stands for `pm_card_<name>` and `tok_<name>`. Where Stripe publishes a token without a number, the row has a
number of our own from the same range.
"""

from __future__ import annotations

from app.sandbox.resources.cards import TestCard, brand_of, keyed


def _plain(names: str, number: str, country: str = "US", funding: str = "credit") -> tuple[str, TestCard]:
    return names, TestCard(number, brand=brand_of(number), country=country, funding=funding)


_BRANDS = (
    _plain("visa us", "4242424242424242"),
    _plain("visa_debit us_debit", "4000056655665556", funding="debit"),
    _plain("mastercard", "5555555555554444"),
    _plain("mastercard_2series", "2223003122003222"),
    _plain("mastercard_debit", "5200828282828210", funding="debit"),
    _plain("mastercard_prepaid", "5105105105105100", funding="prepaid"),
    _plain("amex", "378282246310005"),
    _plain("amex_corporate", "371449635398431"),
    _plain("discover", "6011111111111117"),
    _plain("discover_debit", "6011981111111113", funding="debit"),
    _plain("diners", "3056930009020004"),
    _plain("diners_14digits", "36227206271667"),
    _plain("jcb", "3566002020360505"),
    _plain("unionpay", "6200000000000005"),
    _plain("unionpay_debit", "6200000000000047", funding="debit"),
)

_COUNTRIES = tuple(
    _plain(
        row.split()[0],
        row.split()[1],
        row.split()[0].partition("_")[0].upper(),
        "debit" if "_debit" in row else "credit",
    )
    for row in """
        ae 4000007840000001
        ar 4000000320000021
        at 4000000400000008
        au 4000000360000006
        be 4000000560000004
        bg 4000001000000000
        br 4000000760000002
        ca 4000001240000000
        ch 4000007560000009
        cl 4000001520000001
        cn 4000001560000002
        co 4000001700000003
        cy 4000001960000008
        cz 4000002030000002
        de 4000002760000016
        dk 4000002080000001
        ee 4000002330000009
        es 4000007240000007
        fi 4000002460000001
        fr 4000002500000003
        gb 4000008260000000
        gb_debit 4000058260000005
        gr 4000003000000030
        hk 4000003440000004
        hr 4000001910000009
        hu 4000003480000005
        ie 4000003720000005
        in 4000003560000008
        it 4000003800000008
        jp 4000003920000003
        lt 4000004400000000
        lu 4000004420000006
        lv 4000004280000005
        mt 4000004700000007
        mx 4000004840008001
        my 4000004580000002
        nl 4000005280000002
        no 4000005780000007
        nz 4000005540000008
        pl 4000006160000005
        pt 4000006200000007
        ro 4000006420000001
        se 4000007520000008
        sg 4000007020000003
        si 4000007050000006
        sk 4000007030000001
        th 4000007640000003
        tw 4000001580000008
    """.strip().splitlines()
)

_DECLINES = (
    ("chargeDeclined visa_chargeDeclined", TestCard("4000000000000002", declines="generic_decline")),
    (
        "chargeDeclinedInsufficientFunds visa_chargeDeclinedInsufficientFunds",
        TestCard("4000000000009995", declines="insufficient_funds"),
    ),
    ("visa_chargeDeclinedLostCard chargeDeclinedLostCard", TestCard("4000000000009987", declines="lost_card")),
    ("visa_chargeDeclinedStolenCard chargeDeclinedStolenCard", TestCard("4000000000009979", declines="stolen_card")),
    ("chargeDeclinedExpiredCard", TestCard("4000000000000069", declines="expired_card")),
    ("chargeDeclinedIncorrectCvc", TestCard("4000000000000127", declines="incorrect_cvc", checks=(("cvc", "fail"),))),
    ("chargeDeclinedProcessingError", TestCard("4000000000000119", declines="processing_error")),
    (
        "chargeDeclinedFraudulent radarBlock",
        TestCard("4100000000000019", declines="highest_risk_level", risk="highest"),
    ),
    ("visa_chargeDeclinedVelocityLimitExceeded", TestCard("4000000000006975", declines="card_velocity_exceeded")),
    ("chargeCustomerFail", TestCard("4000000000000341", declines="generic_decline", attaches=True)),
    ("riskLevelHighest", TestCard("4000000000004954", declines="highest_risk_level", attaches=True, risk="highest")),
    ("riskLevelElevated", TestCard("4000000000009235", risk="elevated")),
)

_CHECKS = (
    ("cvcCheckFail", TestCard("4000000000000101", checks=(("cvc", "fail"),))),
    ("avsFail", TestCard("4000000000000010", checks=(("address_line1", "fail"), ("address_postal_code", "fail")))),
    ("avsLineFail", TestCard("4000000000000028", checks=(("address_line1", "fail"),))),
    ("avsZipFail", TestCard("4000000000000036", checks=(("address_postal_code", "fail"),))),
    (
        "avsUnchecked",
        TestCard("4000000000000044", checks=(("address_line1", "unavailable"), ("address_postal_code", "unavailable"))),
    ),
)

_AUTHENTICATION = (
    ("authenticationRequired", TestCard("4000002760003184", country="DE", authentication="always")),
    ("authenticationRequiredOnSetup", TestCard("4000002500003155", country="FR", authentication="unless_set_up")),
    (
        "authenticationRequiredSetupForOffSession",
        TestCard("4000003800000446", country="IT", authentication="set_up_already"),
    ),
    (
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        TestCard("4000008260003178", country="GB", authentication="always", after_authentication="insufficient_funds"),
    ),
    ("threeDSecureRequired", TestCard("4000000000003063", authentication="required")),
    ("threeDSecure2Required", TestCard("4000000000003220", authentication="required")),
    ("threeDSecureOptional", TestCard("4000000000003055", authentication="optional")),
    (
        "threeDSecureRequiredChargeDeclined",
        TestCard("4000008400001629", authentication="required", after_authentication="generic_decline"),
    ),
    (
        "threeDSecureRequiredProcessingError",
        TestCard("4000008400001280", authentication="required", after_authentication="processing_error"),
    ),
)

_AFTERMATH = (
    ("createDispute", TestCard("4000000000000259", dispute="fraudulent")),
    ("createDisputeProductNotReceived", TestCard("4000000000002685", dispute="product_not_received")),
    ("createDisputeInquiry", TestCard("4000000000001976", dispute="inquiry")),
    ("createMultipleDisputes", TestCard("4000000404000079", dispute="multiple")),
    ("createCe3EligibleDispute", TestCard("4000000404000038", dispute="visa_ce3")),
    ("createComplianceDispute", TestCard("4000008400000779", dispute="compliance")),
    ("createIssuerFraudRecord", TestCard("4000000000005423", warning=True)),
    ("pendingRefund", TestCard("4000000000007726", refund="pending")),
    ("refundFail", TestCard("4000000000005126", refund="fail")),
    ("bypassPending", TestCard("4000000000000077", bypass_pending=True)),
    ("bypassPendingInternational", TestCard("4000003720000278", country="IE", bypass_pending=True)),
)

_ROWS: tuple[tuple[str, TestCard], ...] = (
    *_BRANDS,
    *_COUNTRIES,
    *_DECLINES,
    *_CHECKS,
    *_AUTHENTICATION,
    *_AFTERMATH,
)

NUMBERS: dict[str, TestCard] = {card.number: keyed(card, card.number) for _, card in _ROWS}
ALIASES: dict[str, TestCard] = {name: NUMBERS[card.number] for names, card in _ROWS for name in names.split()}
FINGERPRINTS: dict[str, TestCard] = {card.fingerprint: card for card in NUMBERS.values()}
