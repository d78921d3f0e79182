"""An address that sends many forgeries is answered shortly for the rest of the minute; what is signed rightly is not counted.

Kept in this process's memory, so that a flood costs no row and no question: with several web processes each has its own count.
"""

import logging
import threading
import time
from ipaddress import IPv6Address, IPv6Network, ip_address

log = logging.getLogger("webhooks.forgeries")

MOST_A_MINUTE = 30
# Whoever has more addresses than that is held by the limit of notes over all of them.
_MOST_ADDRESSES = 4_096
_MINUTE = 60
# What a provider gives to one customer.
_HOME_BITS = 64


class Forgeries:
    """Counts requests with a bad signature, by the address they came from and the minute."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._minute = -1
        self._counts: dict[str, int] = {}

    def count(self, ip: str | None) -> int:
        """One more from this address; how many they are in this minute. Addresses beyond those remembered share one count."""
        name = home(ip)
        with self._guard:
            minute = int(time.monotonic() // _MINUTE)
            if self._minute != minute:
                self._minute, self._counts = minute, {}
            if name not in self._counts and len(self._counts) >= _MOST_ADDRESSES:
                name = ""
            number = self._counts[name] = self._counts.get(name, 0) + 1
        if number == MOST_A_MINUTE + 1:
            log.warning("webhooks.forgeries_limited", extra={"ip": name})
        return number

    @staticmethod
    def wait() -> int:
        """Seconds until counting begins anew, 1 to 60."""
        return _MINUTE - int(time.monotonic() % _MINUTE)


def home(ip: str | None) -> str:
    """Who this is: an IPv4 address, or the /64 of an IPv6 address, of which one visitor has all. Empty for what is no address."""
    try:
        address = ip_address(ip or "")
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _HOME_BITS), strict=False))


counted = Forgeries()
