"""Which keys of a chart's values may lead to a field of what it renders: by their names, the likeliest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.deployfile.overlay import with_values
from pipelines.findings import Finding
from pipelines.resources import WORKLOADS, at
from pipelines.third_party.chart import ThirdPartyChart
from pipelines.third_party.parts import Part, part_of, parts_of, template_file
from pipelines.third_party.templates import Keys, helpers_of, named_values
from pipelines.third_party.wishes import Spot, Wish

_MOST = 5
_DEEPEST = 3
_SHORTEST = 5
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_OTHER_NAMES = {
    "automountserviceaccounttoken": ("automount", "automounttoken"),
    "ingressclassname": ("classname", "class", "ingressclass"),
    "imagepullpolicy": ("pullpolicy",),
}
_ASIDE = frozenset({"init", "sidecar", "sidecars", "metrics", "exporter", "test", "tests", "backup", "agent"})
_SWITCH = frozenset({"enabled", "create", "enable", "created"})
_RELATED = {"cluster": "rbac", "role": "rbac", "binding": "rbac", "budget": "pdb", "disruption": "pdb"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be written into the values: `overlay` as a whole, `key` the one that is changed.

    `leaves_out` says that it takes something away, and what, where that is a container.
    """

    key: Keys
    overlay: Mapping[str, Any]
    leaves_out: str | None = None


@dataclass(frozen=True, slots=True)
class _Named:
    """The keys that a template of `part` names (`said`), with those below them (`own`), and `all` of the part's."""

    part: Part
    said: frozenset[Keys]
    own: tuple[Keys, ...]
    all: tuple[Keys, ...]
    values: Mapping[str, Any]
    version: str


class Candidates:
    """Reads a chart's templates once; `given` are the values that it is rendered with beside its own."""

    def __init__(self, chart: ThirdPartyChart, given: Mapping[str, Any], templates: Mapping[str, str]) -> None:
        """`templates` are those that objects come from, by `Kind/name`, as Helm names them."""
        self._chart = chart
        self._given = given
        self._templates = templates
        self._parts = parts_of(chart)
        self._helpers = helpers_of(chart.files)
        self._known: dict[str, _Named | None] = {}

    def of(self, finding: Finding, spot: Spot, wish: Wish | None, registries: str) -> tuple[Candidate, ...]:
        """The likeliest first, a few. `registries` are the platform's, a line each; empty where they aren't known."""
        template = self._templates.get(finding.resource, "")
        if template not in self._known:
            self._known[template] = self._named(template)
        named = self._known[template]
        if named is None:
            return ()
        scored = [*_images(finding, spot, named, registries)]
        if wish is not None:
            scored += _of_wish(wish, spot, named)
        elif not scored:
            scored += _switched_on(finding, named)
        scored += _switched_off(spot, named)
        best = sorted(scored, key=lambda one: -one[0])
        return tuple({_identity(one): one for _, one in best}.values())[:_MOST]

    def _named(self, template: str) -> _Named | None:
        part, path = part_of(template, self._parts), template_file(template, self._parts)
        if part is None or path is None or path not in self._chart.files:
            return None
        texts = {name: text for name, text in self._chart.files.items() if name.startswith(f"{part.folder}templates/")}
        given = at(self._given, part.keys)
        values = with_values(part.values, given) if isinstance(given, Mapping) else part.values

        said = {name: named_values(text.decode("utf-8", "replace"), self._helpers) for name, text in texts.items()}

        def with_those_below(keys: Iterable[Keys]) -> tuple[Keys, ...]:
            return tuple(dict.fromkeys(key for one in keys for key in _with_those_below(one, at(values, one))))

        everything = dict.fromkeys(key for keys in said.values() for key in keys)
        own = said[path]
        return _Named(part, frozenset(own), with_those_below(own), with_those_below(everything), values, part.version)


def _identity(one: Candidate) -> tuple[Keys, str]:
    return one.key, repr(one.overlay)


def _with_those_below(keys: Keys, value: Any, depth: int = 0) -> Iterator[Keys]:
    yield keys
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for key, one in value.items():
            yield from _with_those_below((*keys, str(key)), one, depth + 1)


_Scored = tuple[float, Candidate]


def _of_wish(wish: Wish, spot: Spot, named: _Named) -> Iterator[_Scored]:
    for key in named.own:
        for depth, name in enumerate(wish.path):
            likeness = _likeness(key[-1], name)
            value = _nested(wish.path[depth + 1 :], wish.value)
            if likeness and _takes(at(named.values, key), value):
                score = likeness + depth / 2 + _nearness(key, spot, named.values)
                yield score - 2 * (key not in named.said), _candidate(named, key, value)


def _likeness(key: str, name: str) -> int:
    """How much the key of a value looks like the name of a field."""
    key, name = key.lower().replace("-", ""), name.lower()
    if key == name:
        return 6
    if name in key or key in _OTHER_NAMES.get(name, ()):
        return 4
    return 2 if len(key) >= _SHORTEST and key in name else 0


def _takes(default: Any, value: Any) -> bool:
    """Whether a value of this kind may stand where `default` does."""
    if default is None:
        return True
    for kind in (Mapping, list, bool):
        if isinstance(default, kind) or isinstance(value, kind):
            return isinstance(default, kind) and isinstance(value, kind)
    return True


def _nearness(key: Keys, spot: Spot, values: Mapping[str, Any]) -> float:
    """How much the words of a key are those of where the field is."""
    words = set(_words(*key))
    near = set(_words(spot.kind, spot.container))
    score = 2.0 * len(words & near) - len(key) / 10
    is_of_pod = spot.scope == "pod"
    if spot.scope != "object" and "security" in words:
        score += (3 if is_of_pod else -3) * ("pod" in words) + (-3 if is_of_pod else 2) * ("container" in words)
    if spot.scope == "init":
        score += 3 if "init" in words else 0
    score -= 3 * bool((words & _ASIDE) - near - ({"init"} if spot.scope == "init" else set()))
    is_off = any(at(values, (*key[:end], "enabled")) is False for end in range(1, len(key)))
    return score - 3 * is_off


def _candidate(named: _Named, key: Keys, value: Any, leaves_out: str | None = None) -> Candidate:
    if isinstance(value, Mapping) and at(named.values, (*key, "enabled")) is False:
        value = {"enabled": True, **value}
    whole = key if key[0] == "global" else (*named.part.keys, *key)
    return Candidate(whole, _nested(whole, value), leaves_out)


def _nested(path: Keys, value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value


def _images(finding: Finding, spot: Spot, named: _Named, registries: str) -> Iterator[_Scored]:
    """The version that the chart was made for, in place of none; a registry of the platform, in place of another."""
    image = at(spot.whole, ("image",))
    if spot.tail != ("image",) or not isinstance(image, str):
        return
    value: Callable[[str], str | None] = {
        "image-pinned": lambda key: _pinned(key, image, named.version),
        "image-registry": lambda key: _moved(key, image, registries.split("\n")[0].rstrip("/")),
    }.get(finding.rule, lambda _key: None)
    for key in named.own:
        written = value(key[-1].lower())
        if written and _takes(at(named.values, key), written):
            yield 5 + _nearness(key, spot, named.values), _candidate(named, key, written)


def _pinned(key: str, image: str, version: str) -> str | None:
    if not version:
        return None
    if key in ("tag", "imagetag"):
        return version
    name, colon, tag = image.rpartition(":")
    return f"{name if colon and '/' not in tag else image}:{version}" if key == "image" else None


def _moved(key: str, image: str, registry: str) -> str | None:
    if not registry:
        return None
    if key in ("registry", "imageregistry"):
        return registry
    last = image.partition("@")[0].rpartition("/")[2]
    name = last if key == "image" else last.partition(":")[0]
    return f"{registry}/{name}" if key in ("image", "repository", "imagename") else None


def _switched_on(finding: Finding, named: _Named) -> Iterator[_Scored]:
    """What is off and is called as the rule is: `networkPolicy.enabled`."""
    rule = set(_words(finding.rule))
    rule |= {_RELATED[word] for word in rule if word in _RELATED}
    for key in named.all:
        words = set(_words(*key)) - _SWITCH
        if at(named.values, key) is False and words and words <= rule:
            yield float(len(words)), _candidate(named, key, True)


def _switched_off(spot: Spot, named: _Named) -> Iterator[_Scored]:
    """What is on and leaves out, when it is off, the init container, or an object that is no workload."""
    names = set(_words(spot.container)) if spot.scope == "init" else set(_words(spot.kind))
    names |= {_RELATED[word] for word in names if word in _RELATED}
    if spot.scope in ("container", "pod") or (spot.scope == "object" and spot.kind in {*WORKLOADS, "Service"}):
        return
    leaves_out = f"the init container {spot.container}" if spot.scope == "init" else ""
    for key in named.own:
        common = (set(_words(*key)) - _SWITCH) & names
        if at(named.values, key) is True and common:
            yield len(common) / 10, _candidate(named, key, False, leaves_out)


def _words(*names: str) -> list[str]:
    return [word.lower() for name in names for word in _WORDS.findall(name)]
