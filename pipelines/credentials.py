"""What the check zone shows to Git servers and registries: never in an argument, a log or an error."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

# GitHub, GitLab and Gitea take any name beside a token, and this one says what comes with it.
_USER_OF_A_TOKEN = "x-access-token"  # noqa: S105 (a name, no secret)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password, or what stands in for it."""

    user: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The value of the header Authorization (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


ReadCredentials = Callable[[], Credentials]
"""Reads them where they are kept, each time anew, so that they can be changed while a worker runs."""


def parse_credentials(text: str) -> Credentials:
    """`USER:PASSWORD`, or a token alone."""
    user, colon, password = text.partition(":")
    return Credentials(user, password) if colon else Credentials(_USER_OF_A_TOKEN, text)
