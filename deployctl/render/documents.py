"""The document that scripts read: JSON or YAML on standard output, and nothing beside it."""

from __future__ import annotations

import json
from typing import Any

import click


def print_document(document: Any, form: str) -> None:
    """`document` as `json` or `yaml`: what JSON makes of it is the same in both."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if form == "yaml":
        import yaml

        click.echo(yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True), nl=False)
    else:
        click.echo(text)
