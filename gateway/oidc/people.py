"""People who sign in at an identity provider: where they are sent, and who comes back."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from configuration.identity import Claims, SignIn
from configuration.settings import Settings
from gateway.authentication import Principal
from gateway.oidc.claims import granted, texts_of, told
from gateway.oidc.keys import Keys, Provider
from gateway.oidc.tokens import refused, verified
from pipelines.errors import Forbidden, NotFound
from store.page_sessions import Attempt, SignedIn

_LONGEST_NAME = 200
_KEPT = frozenset({"iss", "sub"})


class People:
    """Whoever the provider in `sign_in` of gateway.yaml vouches for; nobody, where there is none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if settings.sign_in is not None:
            self._provider = Provider(settings.sign_in.issuer)
            self._keys = Keys(self._provider)

    @property
    def sign_in(self) -> SignIn:
        """How people sign in. Raises `NotFound` where they can't."""
        if self._settings.sign_in is None:
            raise NotFound(
                "this gateway knows no identity provider to sign in at",
                "Use a token that your platform team has issued, or have them add `sign_in` to gateway.yaml",
            )
        return self._settings.sign_in

    def address(self, attempt: Attempt) -> str:
        """Where a browser is sent to sign in. Raises `IdentityProviderUnavailable`."""
        challenge = hashlib.sha256(attempt.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.sign_in.client_id,
            "redirect_uri": self._back,
            "scope": " ".join(self.sign_in.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        address = self._provider.address("authorization_endpoint")
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"

    def came_back(self, attempt: Attempt, code: str) -> Claims:
        """Who has signed in: what the provider says for `code`. Raises as `tokens.verified` does."""
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": attempt.verifier,
        }
        status, answer = self._provider.ask("POST", self._provider.address("token_endpoint"), **self._credentials(sent))
        if status != 200:
            raise refused(f"it is not given for this sign-in ({str(answer.get('error'))[:60]})")
        return self._claims(answer, self.sign_in.client_id, attempt.nonce)

    def from_device(self, id_token: str, access_token: str) -> Claims:
        """Who has signed in from a terminal, by the tokens that it was given. Raises as `tokens.verified` does."""
        return self._claims({"id_token": id_token, "access_token": access_token}, self._device_client, None)

    def for_devices(self) -> dict[str, str]:
        """What a terminal has to know to sign somebody in. Raises `NotFound`, `IdentityProviderUnavailable`."""
        return {
            "issuer": self.sign_in.issuer,
            "client_id": self._device_client,
            "scope": " ".join(self.sign_in.scopes),
            "device_authorization_endpoint": self._provider.address("device_authorization_endpoint"),
            "token_endpoint": self._provider.address("token_endpoint"),
        }

    def holder(self, signed_in: SignedIn | None) -> Principal | None:
        """Who has a session by what was said of them; None where they have none, or nobody signs in here any more."""
        if signed_in is None or signed_in.claims is None or self._settings.sign_in is None:
            return None
        return self.principal(signed_in.claims)

    def principal(self, claims: Claims) -> Principal:
        """Who has `claims`, by the rules as they are now. Raises `Forbidden` where none fits."""
        name = self._name(claims)
        grants = granted(claims, self.sign_in.rules) if claims.get("iss") == self.sign_in.issuer else ()
        if not grants:
            raise Forbidden(
                f"{name} has no role: no rule of `sign_in.roles` fits {told(claims, self.sign_in.rules)}",
                f"Ask {self._settings.platform} for a role, in gateway.yaml or as a member of a group",
            )
        return Principal(name, grants, name)

    @property
    def _device_client(self) -> str:
        if not self.sign_in.device_client_id:
            raise NotFound(
                "this gateway takes nobody in from a terminal",
                "Use a token, or have your platform team add `sign_in.device_client_id` to gateway.yaml",
            )
        return self.sign_in.device_client_id

    @property
    def _back(self) -> str:
        return f"{self._settings.public_url}/sign-in/callback"

    def _credentials(self, sent: Mapping[str, str]) -> dict[str, Any]:
        sign_in = self.sign_in
        if sign_in.client_secret is None:
            return {"data": {**sent, "client_id": sign_in.client_id}}
        secret = sign_in.client_secret.read()
        supported = self._provider.document().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" in supported:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            return {"data": sent, "auth": (quote(sign_in.client_id, safe=""), quote(secret, safe=""))}
        return {"data": {**sent, "client_id": sign_in.client_id, "client_secret": secret}}

    def _claims(self, answer: Mapping[str, Any], audience: str, nonce: str | None) -> Claims:
        sign_in = self.sign_in
        claims = verified(
            str(answer.get("id_token", "")),
            issuer=sign_in.issuer,
            audience=audience,
            algorithms=sign_in.algorithms,
            keys=self._keys,
            nonce=nonce,
        )
        more = self._more(claims, answer.get("access_token"))
        everything = {**more, **claims}
        if sign_in.name == "email" and everything.get("email_verified") is False:
            raise refused("the provider has not verified that the email address is theirs")
        kept = _KEPT | {sign_in.name} | {name for rule in sign_in.rules for name in rule.claims}
        return {name: everything[name] for name in sorted(kept) if name in everything}

    def _more(self, claims: Claims, access_token: object) -> Mapping[str, Any]:
        """What the provider tells beside the token: for some it is all but the subject."""
        if (
            not isinstance(access_token, str)
            or not access_token
            or not self._provider.document().get("userinfo_endpoint")
        ):
            return {}
        address = self._provider.address("userinfo_endpoint")
        status, more = self._provider.ask("GET", address, bearer=access_token)
        if status != 200 or more.get("sub") != claims["sub"]:
            raise refused("the provider does not tell whose it is")
        return more

    def _name(self, claims: Claims) -> str:
        name = next(iter(texts_of(claims.get(self.sign_in.name))), "").strip()
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            raise refused(f"it has no claim {self.sign_in.name!r} that somebody could be called by")
        return name
