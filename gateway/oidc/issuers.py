"""The identity providers of CI systems: whoever has a token of theirs needs none of ours."""

from __future__ import annotations

from configuration.settings import Settings
from gateway.authentication import Principal
from gateway.oidc.claims import granted, texts_of, told
from gateway.oidc.keys import Keys, Provider
from gateway.oidc.tokens import issuer_in, looks_like_one, refused, verified
from pipelines.errors import Forbidden


class Issuers:
    """Those that gateway.yaml names, each with its keys."""

    def __init__(self, settings: Settings) -> None:
        self._platform = settings.platform
        self._known = {issuer.url: (issuer, Keys(Provider(issuer.url))) for issuer in settings.issuers}

    def principal(self, text: str) -> Principal | None:
        """Whoever `text` is a token of; None when it is of another kind.

        Raises `IdentityTokenRefused`, `IdentityProviderUnavailable`, and `Forbidden` where no rule fits its claims.
        """
        if not looks_like_one(text):
            return None
        named = issuer_in(text)
        if named not in self._known:
            raise refused(f"its issuer {named!r} is not one that this gateway knows")
        issuer, keys = self._known[named]
        claims = verified(text, issuer=issuer.url, audience=issuer.audience, algorithms=issuer.algorithms, keys=keys)
        grants, name = granted(claims, issuer.rules), f"{issuer.name}:{claims['sub']}"
        if not grants:
            raise Forbidden(
                f"{name} has no role: no rule of `issuers.{issuer.name}` fits {told(claims, issuer.rules)}",
                f"Ask {self._platform} for a rule with these claims, in gateway.yaml",
            )
        person = next(iter(texts_of(claims.get(issuer.person))), "") if issuer.person else ""
        return Principal(name, grants, person)
