"""Helm hooks: what runs before and after a rollout, by Helm's annotation, and what people call it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipelines.ports import Manifest

_HOOK = "helm.sh/hook"
_DELETE, _ANEW = "helm.sh/hook-delete-policy", "before-hook-creation"
_WEIGHT = "helm.sh/hook-weight"
_POLICIES = (_ANEW, "hook-succeeded", "hook-failed")
_EVENTS = tuple(f"{when}-{what}" for what in ("install", "upgrade", "rollback") for when in ("pre", "post"))
_KEEP = "helm.sh/resource-policy"
_SUCCEEDED = "hook-succeeded"
_HOOKS = ("Job", "ConfigMap", "Secret", "ServiceAccount")
_MAY_BE_KEPT = ("PersistentVolumeClaim", "ConfigMap", "Secret")
_ELSEWHERE = ("test", "test-success", "test-failure", "pre-delete", "post-delete", "crd-install")
_STEPS = {"migrate": "the migration step", "verify": "the smoke check"}


def hook_events(manifest: Manifest) -> str:
    """Helm's events of the hook that `manifest` is, such as `pre-install,pre-upgrade`; empty when it is none."""
    return str((manifest["metadata"].get("annotations") or {}).get(_HOOK, ""))


def is_made_anew(manifest: Manifest) -> bool:
    """Whether Helm removes what is left of this hook, and makes it again; it does unless told otherwise."""
    policy = (manifest["metadata"].get("annotations") or {}).get(_DELETE, _ANEW)
    return bool(hook_events(manifest)) and _ANEW in str(policy)


def step_of(name: str, app: str) -> str:
    """`migrate` of the Job `checkout-migrate` of the App `checkout`."""
    return name.removeprefix(f"{app}-")


def step_words(name: str, app: str) -> str:
    """What a sentence calls the hook `name`: the standard chart's own by what they do, others by their name."""
    return _STEPS.get(step_of(name, app), f"the hook {step_of(name, app)}")


def runs_before(events: str) -> bool:
    """Whether the hook of these `events` runs before anything of the App is touched."""
    return bool(events) and all(one.strip().startswith("pre-") for one in events.split(","))


def hook_fault(annotations: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Which of `annotations` makes a hook that Helm drops without a word, or that never runs here; why; what to write.

    None when there is none.
    """
    for key, words, known in ((_HOOK, "event", _EVENTS), (_DELETE, "delete policy", _POLICIES)):
        for word in (one.strip() for one in annotations.get(key, known[0]).split(",")):
            if word not in known:
                why = f"hooks for {word} never run here" if word in _ELSEWHERE else f"Helm knows no {words} {word!r}"
                return key, why, f"Write one of: {', '.join(known)}"
    if not re.fullmatch(r"-?[0-9]{1,9}", annotations.get(_WEIGHT, "0")):
        return _WEIGHT, f"the weight {annotations[_WEIGHT]!r} is no number", 'Write a number as a text, such as "-5"'
    return None


def outliving(manifest: Manifest, annotations: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Which of `annotations` has `manifest` stay when a Release leaves it out; why it must not; what to write.

    Helm forgets hooks, and leaves what is to be kept: that would go on without what bounded it, and nobody could remove
    it. None where it does no harm: for data, and for what ends by itself.
    """
    kind, spec = manifest["kind"], manifest.get("spec")
    told = spec if isinstance(spec, dict) else {}
    has_end = kind == "Job" and isinstance(told.get("activeDeadlineSeconds"), int)
    if _KEEP in annotations and kind not in _MAY_BE_KEPT and not has_end:
        why = f"this {kind} would stay, and be in force, when a Release leaves it out"
        kept = f"{', '.join(_MAY_BE_KEPT)}, and Job with activeDeadlineSeconds"
        return _KEEP, why, f"Leave {_KEEP} out: it is for {kept}"
    if _HOOK not in annotations or kind in _HOOKS or _SUCCEEDED in annotations.get(_DELETE, ""):
        return None
    if kind != "Pod":
        why = f"Helm forgets hooks, so this {kind} would stay when a Release leaves it out"
        return _HOOK, why, f"Leave {_HOOK} out, or write {_DELETE}: {_ANEW},{_SUCCEEDED}"
    if told.get("restartPolicy") in ("Never", "OnFailure"):
        return None
    return _HOOK, "this hook never ends: its restartPolicy is Always", "Write restartPolicy: Never, or a Job"


def runs_elsewhere(manifest: Manifest) -> bool:
    """Whether it is a hook for events alone that never come here, such as `pre-delete`."""
    annotations = manifest["metadata"].get("annotations")
    events = annotations.get(_HOOK) if isinstance(annotations, dict) else None
    return isinstance(events, str) and all(one.strip() in _ELSEWHERE for one in events.split(","))
