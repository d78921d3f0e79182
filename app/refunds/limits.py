"""From which amount on a refund asks for the password again: a desk left open must not give much away."""

from app.currencies import currency
from app.money import Money

# In whole units of the currency, by how many decimals people use in it. At about 500 US dollars in each row.
_LARGE = {
    0: 50_000,  # 50,000 JPY; also ISK and UGX, whose two decimals are always zero
    2: 500,  # 500.00 EUR
    3: 150,  # 150.000 KWD
}


def is_large(amount: Money) -> bool:
    """At or above the limit of its currency."""
    rule = currency(amount.currency)
    unit: int = 10**rule.decimals
    used = 0 if rule.step == unit else rule.decimals
    return amount.minor >= _LARGE[used] * unit
