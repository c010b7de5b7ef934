"""What you write beside what you get, from the golden tests of the standard chart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import ndiff
from pathlib import Path
from typing import Any

import yaml

from pipelines.charts import StandardCharts
from pipelines.resources import WORKLOADS, at, pod_spec_path

_GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "charts" / "golden"
_SHORTEST = "web-minimal"
_EXAMPLES = {
    "allow": "Callers and callees",
    "allow-hosts": "A host outside of the cluster",
    "expose-istio": "Reachable from outside",
    "environments": "Differences between Environments: here staging",
    "env-references": "Environment variables from elsewhere",
    "external-secrets": "Secrets from a store",
    "files": "Files",
    "scratch": "Folders that may be written to",
    "autoscale": "As many pods as the load asks for",
    "resources-apart": "More processor for a while, more of the disk",
    "sidecars": "A second container",
    "migrate": "A step before each rollout",
    "verify-http": "A check after each rollout",
    "kubernetes-api": "The Kubernetes API",
    "metrics": "Metrics",
    "alerts": "Alerts",
    "worker": "A worker",
    "stateful": "What keeps state",
    "cronjob": "A cronjob",
    "job": "A job",
}
Object = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key, short ones in one line, long texts as blocks: as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


def _list(dumper: _Dumper, items: list[Any]) -> yaml.Node:
    is_short = not any(isinstance(item, dict | list) for item in items) and len(str(items)) < 60
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_short)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def examples() -> Iterator[str]:
    """The section: the shortest file with all its objects, then one pair for each example."""
    yield "## What you write, and what you get\n"
    version = StandardCharts().resolve("next").version
    yield f"By standard-app {version}, from its own tests: `tests/charts/golden/` has each as a whole."
    yield "Labels and namespaces are left out here.\n"
    yield "### The shortest\n"
    yield f"```yaml\n{_written(_SHORTEST).strip()}\n```\n"
    objects = _objects(_SHORTEST)
    kinds = ", ".join(identity[0] for identity in objects)
    yield f"<details><summary>becomes {len(objects)} objects: {kinds}</summary>\n"
    yield f"```yaml\n{_dumped(list(objects.values()))}```\n"
    yield "</details>\n"
    yield "### Beside the shortest\n"
    yield "On the left the lines that are other than in the shortest file; on the right the objects that are new, and"
    yield "the fields that differ. Of new pods and containers too, only what is other than in the shortest is shown.\n"
    for feature, title in _EXAMPLES.items():
        yield from _pair(feature, title)


def _pair(feature: str, title: str) -> Iterator[str]:
    base, objects = _objects(_SHORTEST), _objects(feature)
    yield f"#### {title}\n"
    yield '<table>\n<tr><th>you write</th><th>you get</th></tr>\n<tr><td valign="top">\n'
    yield f"```yaml\n{_added(_written(_SHORTEST), _written(feature))}```\n"
    yield '</td><td valign="top">\n'
    yield f"```yaml\n{_dumped(_differing(base, objects))}```\n"
    gone = [kind for kind, name in base if (kind, name) not in objects]
    for identity in (one for one in base if one in objects):
        gone += [f"`{path}`" for path in _gone(base[identity], objects[identity])]
    if gone:
        yield f"and no {', no '.join(gone)}\n"
    yield "</td></tr>\n</table>\n"


def _written(feature: str) -> str:
    return (_GOLDEN / feature / "deploy.yaml").read_text("utf-8")


def _added(before: str, after: str) -> str:
    lines = ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return "".join(line[2:] for line in lines if line.startswith("+ "))


def _objects(feature: str) -> dict[tuple[str, str], Object]:
    """The objects of a feature by kind and name, without what all of them have."""
    documents = yaml.safe_load_all((_GOLDEN / feature / "expected.yaml").read_text("utf-8"))
    return {(one["kind"], one["metadata"]["name"]): _bare(one) for one in documents if one}


def _bare(one: Object) -> Object:
    kept = {key: value for key, value in one["metadata"].items() if key not in ("labels", "namespace")}
    return {**one, "metadata": kept}


def _differing(base: Mapping[tuple[str, str], Object], objects: Mapping[tuple[str, str], Object]) -> list[Object]:
    pod = at(base["Deployment", "checkout"], pod_spec_path("Deployment"))
    found = []
    for identity, one in objects.items():
        before = base.get(identity)
        if before is None:
            found.append(_beside_the_pod(one, pod))
        elif one != before:
            changed = _difference(before, one)
            if changed != {"spec": {}}:  # something is gone, and nothing is new
                found.append({"kind": one["kind"], "metadata": {"name": identity[1]}, **changed})
    return found


def _beside_the_pod(one: Object, pod: Object) -> Object:
    """A new workload, of whose pod only what differs from that of the shortest file is shown."""
    if one["kind"] not in WORKLOADS:
        return one
    *path, last = pod_spec_path(one["kind"])
    made = holder = dict(one)
    for key in path:
        holder[key] = {inner: value for inner, value in holder[key].items() if inner != "metadata"}
        holder = holder[key]
    holder[last] = _difference(pod, holder[last])
    return made


def _difference(before: Any, after: Any) -> Any:
    """Of `after` what is not in `before`; items of lists by their name, and a container beside the first one."""
    if isinstance(before, dict) and isinstance(after, dict):
        other = {key: value for key, value in after.items() if before.get(key) != value or key == "name"}
        return {key: _inside(key, before.get(key), value) for key, value in other.items()}
    if isinstance(before, list) and isinstance(after, list):
        return [_difference(_of_name(before, item), item) for item in after if item not in before]
    return after


def _inside(key: str, before: Any, after: Any) -> Any:
    if key not in ("containers", "initContainers") or not before:
        return _difference(before, after)
    return [_difference(_of_name(before, item) or before[0], item) for item in after if item not in before]


def _of_name(items: list[Any], wanted: Any) -> Any:
    named = (item for item in items if isinstance(item, dict) and isinstance(wanted, dict) and "name" in item)
    return next((item for item in named if item["name"] == wanted.get("name")), None)


def _gone(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The fields of `before` that `after` has not."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key not in after:
                yield f"{path}.{key}".removeprefix(".spec.template").removeprefix(".")
            else:
                yield from _gone(value, after[key], f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list):
        for item in before:
            yield from _gone(item, _of_name(after, item), path)


def _dumped(objects: list[Object]) -> str:
    texts = [
        yaml.dump(one, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=76, default_flow_style=False)
        for one in objects
    ]
    octal = re.sub(r"defaultMode: (\d+)", lambda found: f"defaultMode: 0{int(found[1]):o}", "---\n".join(texts))
    return re.sub(r"\b[0-9a-f]{64}\b", "…", octal)
