"""Single sign-on, as the environment says it: whom to ask, what is believed of the answer, and who becomes what."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.errors import ConfigurationError

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """An OpenID Connect provider.

    issuer: as it names itself, without /.well-known/…; client_id, client_secret: what it gave us.
    groups_claim: where the ID token says in which groups somebody is.
    roles: group and role, the first that fits wins; empty: roles are given in this program.
    creates: who is unknown here is let in, as what the groups say; otherwise only who is here already.
    only: the password opens no door.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    groups_claim: str = "groups"
    roles: tuple[tuple[str, str], ...] = ()
    creates: bool = False
    only: bool = False

    def role_of(self, groups: Collection[str]) -> str | None:
        return next((role for group, role in self.roles if group in groups), None)


def single_sign_on(env: Mapping[str, str]) -> SingleSignOn | None:
    """What the variables OIDC_… say; None when there are none.

    Raises:
        ConfigurationError: half of it is missing, or it contradicts itself.
    """
    whole = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    given = [name for name in whole if env.get(name)]
    more = ("OIDC_GROUPS_CLAIM", "OIDC_ROLES", "OIDC_CREATE", "OIDC_ONLY")
    if not given and not any(env.get(name, "") not in {"", "0"} for name in more):
        return None
    if missing := [name for name in whole if name not in given]:
        raise ConfigurationError(f"{missing[0]} must be set for single sign-on: it needs {', '.join(whole)}.")
    roles = _roles(env.get("OIDC_ROLES", ""))
    creates = env.get("OIDC_CREATE", "") not in {"", "0"}
    if creates and not roles:
        raise ConfigurationError("OIDC_CREATE needs OIDC_ROLES: as what is somebody let in?")
    return SingleSignOn(
        issuer=_issuer(env["OIDC_ISSUER"]),
        client_id=env["OIDC_CLIENT_ID"],
        client_secret=env["OIDC_CLIENT_SECRET"],
        groups_claim=env.get("OIDC_GROUPS_CLAIM") or "groups",
        roles=roles,
        creates=creates,
        only=env.get("OIDC_ONLY", "") not in {"", "0"},
    )


def _issuer(url: str) -> str:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOCAL
    if not (parts.scheme == "https" or local) or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError("OIDC_ISSUER must be a URL like https://login.example.com, without /.well-known.")
    if "/.well-known" in parts.path:
        raise ConfigurationError("OIDC_ISSUER must be the issuer itself, without /.well-known/openid-configuration.")
    return url


def _roles(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [pair.rpartition("=") for pair in text.split(",") if pair.strip()]
    if any(not (group.strip() and role.strip()) for group, _, role in pairs):
        raise ConfigurationError("OIDC_ROLES must be like desk-admins=admin,support-team=support.")
    return tuple((group.strip(), role.strip()) for group, _, role in pairs)
