"""What Kubernetes adds to CEL, as far as rules use it: quantities, and regular expressions that find.

Source: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-cel-libraries
A quantity stays the text that it was written as, and is taken for the number when two are compared.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from cel_expr_python import cel

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([KMGTPE]i|[numkMGTPE])?)", re.ASCII)
_SUFFIXES: dict[str | None, Decimal] = {
    None: Decimal(1),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("n", "u", "m"), -3)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}


def number_of(quantity: str) -> Decimal:
    """The number that a quantity such as `1.5Gi`, `250m` or `1e3` means. Raises ValueError for anything else."""
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is no quantity")
    digits, exponent, suffix = match.groups()
    return Decimal(digits).scaleb(int(exponent)) if exponent else Decimal(digits) * _SUFFIXES[suffix]


def _quantity(text: str) -> str:
    number_of(text)
    return text


def _is_quantity(text: str) -> bool:
    return _QUANTITY.fullmatch(text) is not None


def _compare(one: str, other: str) -> int:
    first, second = number_of(one), number_of(other)
    return (first > second) - (first < second)


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.ASCII)
    return found.group() if found else ""


def _find_all(text: str, pattern: str) -> list[str]:
    return [found.group() for found in re.finditer(pattern, text, re.ASCII)]


def _function(name: str, result: Any, parameters: int, implementation: Any, *, is_member: bool) -> Any:
    overload = cel.Overload(
        f"kubernetes_{name}",
        return_type=result,
        parameters=[cel.Type.STRING] * parameters,
        is_member=is_member,
        impl=implementation,
    )
    return cel.FunctionDecl(name, [overload])


def kubernetes() -> Any:
    """The functions as an extension of a CEL environment. What they raise is an error of the evaluation."""
    text, number, truth, texts = cel.Type.STRING, cel.Type.INT, cel.Type.BOOL, cel.Type.List(cel.Type.STRING)
    return cel.CelExtension(
        "kubernetes",
        [
            _function("quantity", text, 1, _quantity, is_member=False),
            _function("isQuantity", truth, 1, _is_quantity, is_member=False),
            _function("compareTo", number, 2, _compare, is_member=True),
            _function("isGreaterThan", truth, 2, lambda one, other: _compare(one, other) > 0, is_member=True),
            _function("isLessThan", truth, 2, lambda one, other: _compare(one, other) < 0, is_member=True),
            _function("find", text, 2, _find, is_member=True),
            _function("findAll", texts, 2, _find_all, is_member=True),
        ],
    )
