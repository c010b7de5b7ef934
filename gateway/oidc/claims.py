"""Which roles follow from what an identity provider says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from configuration.identity import ClaimRule, Claims, Grant
from gateway.patterns import fits


def granted(claims: Claims, rules: Iterable[ClaimRule]) -> tuple[Grant, ...]:
    """The roles of every rule that fits, each once, in the order of the rules."""
    return tuple(dict.fromkeys(rule.grant for rule in rules if _fits(claims, rule)))


def _fits(claims: Claims, rule: ClaimRule) -> bool:
    # A rule without claims would fit everybody: none does.
    return bool(rule.claims) and all(
        any(fits(pattern, text) for text in texts_of(claims.get(name))) for name, pattern in rule.claims.items()
    )


def texts_of(value: Any) -> tuple[str, ...]:
    """The texts that a claim has: itself, or each of its list. What is neither text, number nor truth has none."""
    if isinstance(value, list):
        return tuple(text for one in value if not isinstance(one, list) for text in texts_of(one))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return (str(value),) if isinstance(value, str | int) else ()


def told(claims: Claims, rules: Iterable[ClaimRule]) -> str:
    """The claims that the rules look at, as `repository=acme/shop, ref=refs/heads/main`."""
    names = sorted({name for rule in rules for name in rule.claims})
    shown = (f"{name}={'|'.join(texts_of(claims.get(name)))[:120] or 'none'}" for name in names)
    return ", ".join(shown)
