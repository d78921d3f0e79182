"""A security key in software, which can also be made to lie."""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.desk import Desk, Page

ORIGIN = "http://localhost:4242"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SecurityKey:
    """Holds one key pair. verifies: it asks for a PIN, and says so. counter: how often it was used."""

    verifies: bool = True
    counter: int = 0
    counts: bool = True
    id: bytes = field(default_factory=lambda: token_bytes(32))
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    handle: bytes = b""

    def make(self, asked: dict[str, Any], *, origin: str = ORIGIN, rp_id: str | None = None) -> str:
        """The answer to a question for a new passkey."""
        self.handle = raw(asked["user"]["id"])
        numbers = self.private.public_key().public_numbers()
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + public
        data = self._data(rp_id or asked["rp"]["id"], PRESENT | ATTESTED | self._verified) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", asked["challenge"], origin)
        return self._written(
            {"clientDataJSON": b64(said), "attestationObject": b64(attestation), "transports": ["usb", "?"]}
        )

    def answer(self, asked: dict[str, Any], *, origin: str = ORIGIN, rp_id: str | None = None) -> str:
        """The answer to a question for this passkey."""
        self.counter += self.counts
        data = self._data(rp_id or asked["rpId"], PRESENT | self._verified)
        said = self._said("webauthn.get", asked["challenge"], origin)
        signature = self.private.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        return self._written(
            {
                "clientDataJSON": b64(said),
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": b64(self.handle),
            }
        )

    @property
    def _verified(self) -> int:
        return VERIFIED if self.verifies else 0

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)

    @staticmethod
    def _said(kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()

    def _written(self, response: dict[str, Any]) -> str:
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response})


def question(desk: Desk, path: str, *, expect: int = 200) -> dict[str, Any]:
    """What the script of a page would be told."""
    told: dict[str, Any] = json.loads(desk.post(path, expect=expect).html)
    return told


def add(desk: Desk, key: SecurityKey, name: str = "Laptop", *, expect: int | None = None) -> Page:
    """Make a passkey for the person at this desk."""
    desk.get("/admin/passkeys/")
    made = key.make(question(desk, "/admin/passkeys/question"))
    return desk.post("/admin/passkeys/add", {"answer": made, "name": name}, expect=expect)


def codes_of(page: Page) -> list[str]:
    return re.findall(r"<code>((?:[a-z0-9]{4}-){3}[a-z0-9]{4})</code>", page.html)
