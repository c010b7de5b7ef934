"""Label selectors, as the API server understands them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.relations.values import mapping, mappings

Labels = Mapping[str, Any]


def selects(selector: Any, labels: Labels) -> bool:
    """Whether a LabelSelector selects what has `labels`; an empty one selects all, none at all (null) nothing."""
    if not isinstance(selector, Mapping):
        return False
    return selects_plain(selector.get("matchLabels"), labels) and all(
        _holds(one, labels) for one in mappings(selector.get("matchExpressions"))
    )


def selects_plain(wanted: Any, labels: Labels) -> bool:
    """Whether `labels` has all pairs of `wanted`."""
    return all(labels.get(key) == value for key, value in mapping(wanted).items())


def is_empty(selector: Any) -> bool:
    """Whether a LabelSelector narrows nothing down."""
    selector = mapping(selector)
    return not mapping(selector.get("matchLabels")) and not mappings(selector.get("matchExpressions"))


def _holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    key, operator = str(expression.get("key")), expression.get("operator")
    values = expression.get("values")
    has_value = key in labels and isinstance(values, list) and labels[key] in values
    return {
        "In": has_value,
        "NotIn": not has_value,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(str(operator), False)


def flow(labels: Labels) -> str:
    """`{app.kubernetes.io/name: checkout}`, as YAML writes it on one line."""
    return "{" + ", ".join(f"{key}: {_quoted(value)}" for key, value in labels.items()) + "}"


def _quoted(value: Any) -> str:
    text = str(value)
    is_word = text[:1].isalpha() and text.lower() not in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
    return text if is_word and text.replace("-", "").replace(".", "").replace("_", "").isalnum() else f'"{text}"'
