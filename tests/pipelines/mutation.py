"""A change that breaks one rule: what `mutations` and `mutations_network` are lists of."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NAMESPACE = "checkout-staging"
LABELS = {
    "deploy-gateway.dev/app": "checkout",
    "deploy-gateway.dev/team": "shop",
    "deploy-gateway.dev/environment": "staging",
    "deploy-gateway.dev/commit": "c" * 40,
}


@dataclass(frozen=True, slots=True)
class Mutation:
    """`change` is made to the object of `kind`; with `added`, that object comes to the others instead.

    `field` is where the finding has to point; None where it does not matter.
    """

    rule: str
    what: str
    kind: str
    change: Callable[[Any], object]
    added: Any = None
    field: str | None = None

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"

    def applied(self, objects: tuple[Any, ...]) -> tuple[Any, ...]:
        """`objects`, one of them changed; the changed one alone is what a server would be asked about."""
        made = copy.deepcopy(objects)
        if self.added is not None:
            return (*made, self.added)
        self.change(next(one for one in made if one["kind"] == self.kind))
        return made


def brought(api_version: str, kind: str, body: Any = None, **metadata: Any) -> Any:
    """An object as the gateway brings it: named, in the App's namespace, with the labels that say whose it is."""
    named = {"name": "checkout", "namespace": NAMESPACE, "labels": dict(LABELS), **metadata}
    return {"apiVersion": api_version, "kind": kind, "metadata": named, **(body or {})}


def added(rule: str, what: str, one: Any, field: str | None = None) -> Mutation:
    """`one` comes to the objects of a good App, and breaks `rule` at `field`."""
    return Mutation(rule, what, one["kind"], lambda _: None, one, field)
