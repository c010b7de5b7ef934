"""The embedded stack: a real control plane, Redis, Git and a registry on loopback, to try everything on.

Pods are simulated by kwok: no container is ever started. Everything else is the real program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.stack.stack import INFRASTRUCTURE, Stack

__all__ = ["INFRASTRUCTURE", "Stack"]


def __getattr__(name: str) -> Any:
    # Lazily: the Git server and the guardian are programs in this package that need nothing of the stack.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tools.stack import stack

    return getattr(stack, name)
