"""The embedded stack: a real control plane, Redis, Git and a registry on loopback, to try everything on.

Pods are simulated by kwok: no container is ever started. Everything else is the real program.
"""

from tools.stack.stack import INFRASTRUCTURE, Stack

__all__ = ["INFRASTRUCTURE", "Stack"]
