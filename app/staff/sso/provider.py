"""Talking to the identity provider: OpenID Connect's code flow with PKCE. Nothing here touches the database."""

import logging
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from flask import Flask, current_app
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app import clock
from app.errors import ConfigurationError, DomainError
from app.models.staff import ROLES
from app.settings import Settings
from app.sso_settings import SingleSignOn

log = logging.getLogger("sso")

_KEY = "sso.provider"
# Two clocks may differ by this much.
LEEWAY = 60
_PATIENCE = 10
_REMEMBER = 3_600
# An unknown key asks for the keys again, but not more often than this: anybody can make up a token.
_KEYS_NOT_AGAIN_BEFORE = 60
# None without a signature, and none that is made with a shared secret.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class ProviderAway(DomainError):
    """The identity provider does not answer, or not with what it has to."""

    status = 503


class NotBelieved(DomainError):
    """What came back proves nothing."""

    status = 401


@dataclass(slots=True)
class Provider:
    """One provider. What it says of itself is remembered in this process for an hour."""

    sso: SingleSignOn
    back: str
    _about: dict[str, Any] = field(default_factory=dict)
    _about_at: float = 0
    _keys: KeySet | None = None
    _keys_at: float = 0

    def address(self, *, state: str, nonce: str, verifier: str, fresh: bool) -> str:
        """Where the browser goes to sign in. fresh: also when somebody is signed in there already."""
        with self._session() as session:
            more = {"prompt": "login", "max_age": "0"} if fresh else {}
            url, _ = session.create_authorization_url(
                self.about()["authorization_endpoint"], state=state, code_verifier=verifier, nonce=nonce, **more
            )
        return str(url)

    def claims(self, code: str, *, nonce: str, verifier: str, fresh: bool) -> dict[str, Any]:
        """What the provider vouches for, in exchange for a code.

        Raises:
            NotBelieved: a code, signature, issuer, audience, time or nonce is wrong. ProviderAway: there was no answer.
        """
        token = self._exchange(code, verifier)
        given = token.get("id_token")
        if not isinstance(given, str):
            raise NotBelieved("The identity provider sent no ID token.")
        try:
            decoded = jwt.decode(given, self._keys_for(given), algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": self.sso.issuer},
                    "aud": {"essential": True, "value": self.sso.client_id},
                },
                params={
                    "nonce": nonce,
                    "client_id": self.sso.client_id,
                    "access_token": token.get("access_token"),
                    "max_age": 1 if fresh else None,
                },
            )
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("sso.not_believed", extra={"why": f"{type(error).__name__}: {error}"[:200]})
            raise NotBelieved("What the identity provider sent cannot be believed. Try again.") from error
        if fresh and clock.now().timestamp() - float(claims["auth_time"]) > 2 * LEEWAY:
            raise NotBelieved("The identity provider did not ask you again. Try once more.")
        return dict(claims)

    def leaving(self, *, back: str) -> str | None:
        """Where one signs out of the provider too, if it says so; where it cannot be asked, nowhere."""
        try:
            end: str | None = self.about().get("end_session_endpoint")
        except ProviderAway:
            return None
        asked = urlencode({"client_id": self.sso.client_id, "post_logout_redirect_uri": back})
        return f"{end}{'&' if '?' in end else '?'}{asked}" if end else None

    def about(self) -> dict[str, Any]:
        """Its discovery document."""
        if not self._about or time.monotonic() - self._about_at > _REMEMBER:
            found = _read(f"{self.sso.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.sso.issuer:
                raise ProviderAway("The identity provider gives itself another name than OIDC_ISSUER.")
            if not all(isinstance(found.get(name), str) for name in _NEEDED):
                raise ProviderAway("The identity provider does not say where its parts are.")
            self._about, self._about_at = found, time.monotonic()
        return self._about

    def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        known = self.about().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"
        try:
            with self._session(method) as session:
                token = session.fetch_token(
                    self.about()["token_endpoint"], code=code, code_verifier=verifier, grant_type="authorization_code"
                )
        except OAuthError as error:
            raise NotBelieved("The identity provider did not take the code back. Try again.") from error
        except (requests.RequestException, ValueError) as error:
            raise ProviderAway("The identity provider does not answer. Try again in a minute.") from error
        return dict(token)

    def _keys_for(self, token: str) -> KeySet:
        """Its keys; asked for again when the token names one that is not among them: providers change theirs."""
        named = _key_named(token)
        age = time.monotonic() - self._keys_at
        known = self._keys is not None and (named is None or any(key.kid == named for key in self._keys.keys))
        if self._keys is None or age > _REMEMBER or (not known and age > _KEYS_NOT_AGAIN_BEFORE):
            self._keys = KeySet.import_key_set(_read(self.about()["jwks_uri"]))  # type: ignore[arg-type]
            self._keys_at = time.monotonic()
        return self._keys

    def _session(self, method: str = "client_secret_basic") -> OAuth2Session:
        return OAuth2Session(
            self.sso.client_id,
            self.sso.client_secret,
            token_endpoint_auth_method=method,
            scope="openid email profile",
            redirect_uri=self.back,
            code_challenge_method="S256",
            default_timeout=_PATIENCE,
        )


def init_sso(app: Flask) -> None:
    """Get ready to ask the provider, without asking it.

    Raises:
        ConfigurationError: OIDC_ROLES names a role that does not exist.
    """
    settings: Settings = app.extensions["settings"]
    sso = settings.sso
    if sso is None:
        return
    if unknown := {role for _, role in sso.roles} - set(ROLES):
        raise ConfigurationError(f"OIDC_ROLES: there is no role {min(unknown)}. There are {', '.join(ROLES)}.")
    app.extensions[_KEY] = Provider(sso, f"{settings.domain}/login/sso/back")


def current() -> Provider | None:
    """The provider of this installation, if it has one."""
    found: Provider | None = current_app.extensions.get(_KEY)
    return found


def is_only_door() -> bool:
    """Passwords let nobody in."""
    provider = current()
    return provider is not None and provider.sso.only


_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def _read(url: str) -> dict[str, Any]:
    try:
        answer = requests.get(url, timeout=_PATIENCE, headers={"Accept": "application/json"})
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        log.warning("sso.away", extra={"why": type(error).__name__})
        raise ProviderAway("The identity provider does not answer. Try again in a minute.") from error
    if not isinstance(found, dict):
        raise ProviderAway("The identity provider answers with something else than asked for.")
    return found


def _key_named(token: str) -> str | None:
    from joserfc import jws

    try:
        return jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError):
        return None
