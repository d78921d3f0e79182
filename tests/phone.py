"""An authenticator app, as far as the tests need one."""

import re
from base64 import b32decode
from dataclasses import dataclass
from typing import Self

from app import clock
from app.staff.factors import totp
from tests.desk import Desk, Page


@dataclass(frozen=True)
class Phone:
    """Holds one secret and shows its codes."""

    secret: bytes

    @classmethod
    def reading(cls, page: Page) -> Self:
        """Type the secret off the page that sets an app up."""
        found = re.search(r"<code>((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})</code>", page.html)
        assert found, page.words
        return cls(b32decode(found[1].replace(" ", "")))

    def code(self, *, steps: int = 0) -> str:
        """What it shows now, or so many half minutes later."""
        return totp.code_at(self.secret, clock.to_unix(clock.now()) // totp.SECONDS + steps).decode()


def enrol(desk: Desk) -> tuple[Phone, list[str]]:
    """Set an app up for the person at this desk; the phone, and their recovery codes."""
    desk.post("/admin/second-factor/authenticator/begin")
    phone = Phone.reading(desk.get("/admin/second-factor/authenticator"))
    # The code before the present one, so that the present one is still unused.
    done = desk.post("/admin/second-factor/authenticator/confirm", {"code": phone.code(steps=-1)}, expect=200)
    return phone, re.findall(r"<code>((?:[a-z0-9]{4}-){3}[a-z0-9]{4})</code>", done.html)
