"""What to write instead, for whoever reads it: a key of deploy.yaml helps those alone who write a workload there."""

from __future__ import annotations

import re

_FOR_DEPLOY_YAML = re.compile(r"^#.*\bin deploy\.yaml:$", re.MULTILINE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What the rule's own words have in place of the names of one case.
_SOME_VARIABLE, _SOME_KEY = "DATABASE_PASSWORD", "database-password"


def parts(how: str) -> tuple[str, str]:
    """What to write in an object of Kubernetes, and after the line `# …, in deploy.yaml:` what in that file, if any."""
    found = _FOR_DEPLOY_YAML.search(how)
    return (how[: found.start()].rstrip(), how[found.end() :].strip()) if found else (how, "")


def of_kubernetes(how: str) -> str:
    """`how` without what is for deploy.yaml."""
    return parts(how)[0]


def of_deploy_yaml(how: str) -> str:
    """What of `how` is for deploy.yaml; all of it where nothing is."""
    kubernetes, declared = parts(how)
    return declared or kubernetes


def of_variable(how: str, name: object) -> str:
    """`how` of a variable that is a secret, with its own `name`."""
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        return how
    key = name.lower().replace("_", "-").strip("-")
    return how.replace(_SOME_VARIABLE, name).replace(_SOME_KEY, key or name)


def of_image(how: str, field: str) -> str:
    """`how`, which may begin with `image:`, as it is to be written in `field`: of a volume `image.reference`."""
    is_of_volume = field.endswith(".image.reference") and how.startswith("image: ")
    return f"reference: {how.removeprefix('image: ')}" if is_of_volume else how
