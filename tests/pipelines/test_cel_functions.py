"""Quantities and regular expressions in CEL, as Kubernetes has them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from cel_expr_python import cel

from pipelines.adapters.cel_functions import kubernetes, number_of


@pytest.fixture(scope="module")
def environment() -> Any:
    return cel.NewEnv(variables={}, extensions=[kubernetes()])


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("1", "1"),
        ("250m", "0.25"),
        ("1.5Gi", "1610612736"),
        ("1e3", "1000"),
        ("2E", "2e18"),
        (".5k", "500"),
        ("-1u", "-1e-6"),
    ],
)
def test_a_quantity_is_a_number(quantity: str, number: str) -> None:
    assert number_of(quantity) == Decimal(number)


@pytest.mark.parametrize("quantity", ["", "1 Gi", "1gi", "Gi", "1e", "0x1", "1GiB", "١"])
def test_what_is_none_is_an_error(environment: Any, quantity: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        number_of(quantity)
    assert environment.compile(f"quantity('{quantity}')").eval(data={}).type() == cel.Type.ERROR


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("quantity('1Gi').compareTo(quantity('1073741824'))", 0),
        ("quantity('1G').compareTo(quantity('1Gi'))", -1),
        ("quantity('100m').isGreaterThan(quantity('0'))", True),
        ("quantity('1').isLessThan(quantity('1000m'))", False),
        ("isQuantity('1Mi')", True),
        ("isQuantity('1MiB')", False),
        ("'a1b22'.find('[0-9]+')", "1"),
        ("'none'.find('[0-9]+')", ""),
        ("'a1b22'.findAll('[0-9]+')", ["1", "22"]),
    ],
)
def test_a_function_says_what_that_of_kubernetes_says(environment: Any, expression: str, value: Any) -> None:
    assert environment.compile(expression).eval(data={}).plain_value() == value
