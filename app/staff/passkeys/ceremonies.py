"""What a passkey is asked, and whether its answer is believed (WebAuthn Level 3, 7.1 and 7.2)."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import webauthn
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from app.errors import DomainError
from app.models.second_factor import Passkey

_LONGEST_ANSWER = 20_000
_KNOWN_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}


class NotBelieved(DomainError):
    """What the browser brought back is not this person's passkey answering this question, on this site."""

    status = 401


@dataclass(frozen=True, slots=True)
class Site:
    """Whom passkeys are for. rp_id: "pay.example.com"; origin: "https://pay.example.com", both out of DOMAIN."""

    rp_id: str
    origin: str

    @classmethod
    def of(cls, domain: str) -> Self | None:
        """None where browsers know no passkeys: a bare network address, or http beyond this machine."""
        parts = urlsplit(domain)
        host = (parts.hostname or "").lower()
        usual = {"https": 443, "http": 80}[parts.scheme]
        if _is_address(host) or (parts.scheme != "https" and host != "localhost" and not host.endswith(".localhost")):
            return None
        port = f":{parts.port}" if parts.port not in {None, usual} else ""
        return cls(host, f"{parts.scheme}://{host}{port}")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read but not yet believed: which passkey says to be speaking, and for whom."""

    passkey_id: bytes
    person: UUID | None
    raw: AuthenticationCredential


def new_challenge() -> str:
    """256 random bits, written so that they fit into JSON."""
    return bytes_to_base64url(secrets.token_bytes(32))


def to_make(  # noqa: PLR0913 - whose it is, all by name
    site: Site, challenge: str, *, person: UUID, email: str, name: str, known: Iterable[Passkey]
) -> str:
    """What the browser needs to make a passkey, as JSON. Nothing is asked about the make of the device."""
    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name="Counterfoil",
        user_id=person.bytes,
        user_name=email,
        user_display_name=name,
        challenge=base64url_to_bytes(challenge),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=[_named(passkey) for passkey in known],
    )
    return webauthn.options_to_json(options)


def made(site: Site, challenge: str, answer: str) -> VerifiedRegistration:
    """The new passkey.

    Raises:
        NotBelieved: it was made for another site, for another question, or is nonsense.
    """
    _check_length(answer)
    try:
        return webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
        )
    # The library's parsers raise whatever they trip over; all of it is a stranger's doing.
    except Exception as error:
        raise NotBelieved("This passkey could not be read. Try again.") from error


def to_answer(site: Site, challenge: str, *, known: Iterable[Passkey], verified: bool) -> str:
    """What the browser needs to ask a passkey, as JSON. Without `known` it offers whichever it has for this site.

    verified: the device has to ask for its PIN, a finger or a face.
    """
    wanted = UserVerificationRequirement.REQUIRED if verified else UserVerificationRequirement.PREFERRED
    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id,
        challenge=base64url_to_bytes(challenge),
        allow_credentials=[_named(passkey) for passkey in known],
        user_verification=wanted,
    )
    return webauthn.options_to_json(options)


def read(answer: str) -> Answer:
    """
    Raises:
        NotBelieved: this is no answer of a passkey.
    """
    _check_length(answer)
    try:
        raw = parse_authentication_credential_json(answer)
        person = UUID(bytes=raw.response.user_handle) if raw.response.user_handle else None
    except Exception as error:
        raise NotBelieved("The passkey's answer could not be read. Try again.") from error
    return Answer(raw.raw_id, person, raw)


def believe(site: Site, challenge: str, answer: Answer, *, passkey: Passkey, verified: bool) -> VerifiedAuthentication:
    """Whether this passkey signed this challenge for this site. Its counter is looked at by who keeps it.

    Raises:
        NotBelieved: anything about it is not as it has to be.
    """
    try:
        return webauthn.verify_authentication_response(
            credential=answer.raw,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            # A counter that ran back says something only when the signature is right, so it is compared after that.
            credential_current_sign_count=0,
            require_user_verification=verified,
        )
    except Exception as error:
        raise NotBelieved("The passkey's answer does not fit. Try again.") from error


def transports_of(answer: str) -> list[str]:
    """How the browser says the device can be reached; only words that are known."""
    told = orjson.loads(answer)["response"].get("transports")
    return [word for word in told if word in _KNOWN_TRANSPORTS] if isinstance(told, list) else []


def _named(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    ways = [AuthenticatorTransport(word) for word in passkey.transports if word in _KNOWN_TRANSPORTS]
    return PublicKeyCredentialDescriptor(id=passkey.id, transports=ways or None)


def _check_length(answer: str) -> None:
    if len(answer) > _LONGEST_ANSWER:
        raise NotBelieved("The passkey's answer could not be read. Try again.")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
