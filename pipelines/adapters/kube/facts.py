"""What the API server says of itself, made into schemas that stand alone."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pipelines.adapters.kube.connection import Connection
from pipelines.ports import ClusterFacts

_REFERENCE = "#/components/schemas/"
_NOT_WRITTEN = ("List", "Options", "Review", "Status", "WatchEvent", "Eviction", "Scale", "TokenRequest", "Binding")


def read_published(connection: Connection) -> Any:
    """The server's version, and its OpenAPI v3 documents with a hash each: equal as long as the facts are."""
    return connection.get("/version")["gitVersion"], connection.get("/openapi/v3")["paths"]


def read_facts(connection: Connection, published: Any) -> ClusterFacts:
    """Version, API versions and the schema of every kind, as the documents of `read_published` have them."""
    version, paths = published
    wanted = [path for path in paths if path == "api/v1" or (path.startswith("apis/") and path.count("/") == 2)]
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(lambda path: connection.get(f"/openapi/v3/{path}"), wanted))
    schemas: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        schemas.update(_schemas(document.get("components", {}).get("schemas", {})))
    versions = {path.removeprefix("apis/").removeprefix("api/") for path in wanted}
    return ClusterFacts(version, tuple(sorted(versions | schemas.keys())), schemas)


def _schemas(components: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {}
    for name, schema in components.items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            if kind["kind"].endswith(_NOT_WRITTEN) and kind["kind"] != "RoleBinding":
                continue
            version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
            found[f"{version}/{kind['kind']}"] = _alone(name, components)
    return found


def _alone(root: str, components: Mapping[str, Any]) -> Mapping[str, Any]:
    """The component `root` with all that it refers to in `$defs`."""
    definitions: dict[str, Any] = {}
    wanted = [root]
    while wanted:
        name = wanted.pop()
        if name not in definitions:
            references: set[str] = set()
            definitions[name] = _closed(components[name], references)
            wanted.extend(references)
    schema = definitions.pop(root)
    return {**schema, "$defs": definitions} if definitions else dict(schema)


def _closed(schema: Any, references: set[str]) -> Any:
    """`schema` as JSON Schema: without descriptions, references inside the document, no fields but those named."""
    if isinstance(schema, list):
        return [_closed(one, references) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        references.add(name)
        return {"$ref": f"#/$defs/{name}"}
    kept = {
        key: value for key, value in schema.items() if key not in ("description", "default", "properties", "format")
    }
    made = {key: _closed(value, references) for key, value in kept.items() if not key.startswith("x-")}
    if "properties" in schema:
        # Names of properties are not keywords: they are kept whatever they are called.
        made["properties"] = {key: _closed(value, references) for key, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
            made["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if made.pop("nullable", False) and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made
