"""What charts render, read without trust in its shape: what is no mapping or list where one belongs is an empty one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The mappings in the list `value`; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
