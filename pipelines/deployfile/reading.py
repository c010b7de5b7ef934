"""Reads `deploy.yaml`: bounded, and with every mistake told at once, each with its line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pipelines import yaml_nodes
from pipelines.deployfile.contradictions import contradictions
from pipelines.deployfile.faults import faults_of
from pipelines.deployfile.schema import DeployFile
from pipelines.errors import Fault, InvalidDeployFile
from pipelines.manifests import to_value
from pipelines.yaml_nodes import InvalidYaml, Node, Scalar, Sequence

LARGEST_BYTES = 256 * 1024
LARGEST_FILE_BYTES = 100_000
"""Of one file that is put into the container: all of them go into one ConfigMap of 1 MiB."""
_MOST_VALUES = 5_000


@dataclass(frozen=True, slots=True)
class Declaration:
    """A valid `deploy.yaml` and where its keys stand. `lines` maps paths to lines, counted from 1."""

    file: DeployFile
    name: str
    lines: Mapping[yaml_nodes.Path, int]

    def source(self, *path: str | int) -> str:
        """`deploy.yaml:7` for the key at `path`, or for the nearest around it."""
        return f"{self.name}:{yaml_nodes.nearest_line(self.lines, path)}"


def read(content: bytes, name: str, *, app: str, environments: Collection[str]) -> Declaration:
    """The declaration in `content`, the file called `name`, of the App `app`.

    Raises `InvalidDeployFile` with one Fault for each thing that is wrong.
    """
    if len(content) > LARGEST_BYTES:
        raise InvalidDeployFile(
            f"it has {len(content)} bytes, and {LARGEST_BYTES} is the most",
            "A deploy.yaml is a page long; move data elsewhere",
            where=name,
        )
    try:
        documents = list(yaml_nodes.compose(content, most_nodes=_MOST_VALUES))
    except InvalidYaml as error:
        raise InvalidDeployFile(error.reason, error.solution, where=f"{name}:{error.line}") from error
    if len(documents) != 1:
        raise InvalidDeployFile(
            f"it has {len(documents)} YAML documents, and one is expected",
            "Write one document, without ---; several Apps of one repository have a file each",
            where=f"{name}:1",
        )
    lines = dict(yaml_nodes.lines(documents[0]))
    faults: list[Fault] = []
    file = _validated(_with_values(documents[0]), name, lines, faults)
    if file is not None:
        declaration = Declaration(file, name, lines)
        faults += contradictions(file, declaration.source, app, environments)
        if not faults:
            return declaration
    raise _invalid(name, faults)


def _invalid(name: str, faults: list[Fault]) -> InvalidDeployFile:
    if len(faults) == 1:
        only = faults[0]
        return InvalidDeployFile(only.reason, only.solution, where=only.where, errors=faults)
    return InvalidDeployFile(f"{name} has {len(faults)} mistakes", "Correct each of them", where=name, errors=faults)


def _with_values(node: Node) -> Any:
    """The document as texts, but for a chart's values: those are what Helm makes of them."""
    document = _as_text(node)
    if isinstance(node, yaml_nodes.Mapping):
        for at, holder in _holders(node, document):
            document_values = {key.text: value for key, value in at.items}
            if "values" in document_values:
                holder["values"] = to_value(document_values["values"])
    return document


def _holders(node: yaml_nodes.Mapping, document: Any) -> list[tuple[yaml_nodes.Mapping, Any]]:
    """Where `values` may stand: at the root, and in each Environment."""
    keys = {key.text: value for key, value in node.items}
    environments = keys.get("environments")
    found = [(node, document)]
    if isinstance(environments, yaml_nodes.Mapping):
        overlays = [(key.text, value) for key, value in environments.items]
        found += [
            (value, document["environments"][name]) for name, value in overlays if isinstance(value, yaml_nodes.Mapping)
        ]
    return found


def _as_text(node: Node) -> Any:
    """Scalars stay the texts that were written: the schema says what is a number."""
    if isinstance(node, Scalar):
        return None if node.is_plain and node.text in ("", "~", "null") else node.text
    if isinstance(node, Sequence):
        return [_as_text(item) for item in node.items]
    return {key.text: _as_text(value) for key, value in node.items}


def _validated(value: Any, name: str, lines: dict[yaml_nodes.Path, int], faults: list[Fault]) -> DeployFile | None:
    try:
        return DeployFile.model_validate(value)
    except ValidationError as error:
        faults += faults_of(error, value, lambda *path: f"{name}:{yaml_nodes.nearest_line(lines, path)}")
        return None
