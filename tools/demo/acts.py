"""The five acts: what is shown, and what the API server has to say afterwards for an act to count."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.demo.narrator import Narrator
from tools.demo.teams import BLOG, SHOP, never_ready, next_version, push
from tools.installation import Installation

NAMESPACE = "checkout-staging"


class ActFailed(Exception):
    """What was shown is not what the cluster says."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to show. `play` raises `ActFailed` unless it was seen to be so."""

    title: str
    story: str
    play: Callable[[Installation, Narrator], None]


def _expect(truth: bool, claim: str, narrator: Narrator) -> None:
    if not truth:
        raise ActFailed(f"not so: {claim}")
    narrator.verified(claim)


def _deployctl(installation: Installation, narrator: Narrator, token: str, *arguments: str, expect: int) -> None:
    narrator.command("deployctl", *arguments)
    code = subprocess.run(
        [installation.deployctl, *arguments], env=installation.client_environment(token), timeout=180
    ).returncode
    if code != expect:
        raise ActFailed(f"deployctl left with {code}, and {expect} was expected")


def _get(installation: Installation, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any] | None:
    """The object as the API server has it; None when there is none."""
    done = installation.stack.kubectl("get", kind, name, "--namespace", namespace, "--output", "json")
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout)
        return found
    if "NotFound" in done.stderr:
        return None
    raise ActFailed(f"kubectl get {kind} {name}: {done.stderr.strip()}")


def _runs(installation: Installation, commit: str) -> bool:
    """Whether all wanted replicas of checkout are available, and are of `commit`."""
    deployment = _get(installation, "deployment", "checkout")
    if deployment is None:
        return False
    status, metadata, wanted = deployment["status"], deployment["metadata"], deployment["spec"]["replicas"]
    return bool(
        metadata["labels"]["deploy-gateway.dev/commit"] == commit
        and status.get("observedGeneration") == metadata["generation"]
        and status.get("updatedReplicas") == status.get("availableReplicas") == wanted
    )


def _available(installation: Installation) -> str:
    """`3 of 3`, as the API server counts them."""
    deployment = _get(installation, "deployment", "checkout") or {"status": {}, "spec": {}}
    return f"{deployment['status'].get('availableReplicas', 0)} of {deployment['spec'].get('replicas', 0)}"


def _events_of_pods(installation: Installation) -> dict[str, list[str]]:
    """Pod → what its events say, as the API server still has them when the pods are gone."""
    done = installation.stack.kubectl("get", "events", "--namespace", NAMESPACE, "--output", "json")
    if done.returncode != 0:
        raise ActFailed(f"kubectl get events: {done.stderr.strip()}")
    said: dict[str, list[str]] = {}
    for event in json.loads(done.stdout)["items"]:
        if event["involvedObject"]["kind"] == "Pod":
            said.setdefault(event["involvedObject"]["name"], []).append(event["message"])
    return said


def _running_commit(installation: Installation) -> str:
    place = installation.api("shop", "/api/v1/apps/checkout/environments/staging")
    return str(place["running"]["commit"])


def _good_release(installation: Installation, narrator: Narrator) -> None:
    files = SHOP.files(installation)
    narrator.show_file("deploy.yaml", str(files["deploy.yaml"]))
    commit = push(installation, SHOP, files, "First version")
    _deployctl(installation, narrator, "shop", *_release("checkout"), expect=0)
    runs = _runs(installation, commit)
    _expect(runs, f"{_available(installation)} replicas of commit {commit[:8]} are available", narrator)
    for kind in ("networkpolicy", "poddisruptionbudget", "peerauthentication.security.istio.io"):
        _expect(_get(installation, kind, "checkout") is not None, f"it came with its {kind}", narrator)
    service = _get(installation, "service", "checkout")
    _expect(service is not None and service["spec"]["type"] == "ClusterIP", "its Service is ClusterIP", narrator)


def _bad_release(installation: Installation, narrator: Narrator) -> None:
    narrator.show_file("k8s/frontpage.yaml", (BLOG.folder / "k8s" / "frontpage.yaml").read_text())
    push(installation, BLOG, BLOG.files(installation), "Our front page")
    _deployctl(installation, narrator, "blog", *_release("frontpage"), expect=3)
    release = installation.api("blog", "/api/v1/releases?app=frontpage&limit=1")["items"][0]
    found = {
        finding["rule"]
        for finding in installation.api("blog", f"/api/v1/releases/{release['id']}")["findings"]
        if finding["blocks"]
    }
    for rule in ("image-pinned", "service-type", "run-as-non-root"):
        _expect(rule in found, f"refused by {rule}, among {len(found)} rules", narrator)
    for kind in ("deployment", "service"):
        absent = _get(installation, kind, "frontpage", "frontpage-staging") is None
        _expect(absent, f"its {kind} is not in the cluster", narrator)


def _broken_rollout(installation: Installation, narrator: Narrator) -> None:
    before = _running_commit(installation)
    push(installation, SHOP, never_ready(installation), "New payment provider")
    _deployctl(installation, narrator, "shop", *_release("checkout"), expect=1)
    release = installation.api("shop", "/api/v1/releases?app=checkout&limit=1")["items"][0]
    _expect(release["state"] == "rolled_back", "the Release ended as rolled_back", narrator)
    message, events = release["message"], _events_of_pods(installation)
    pod = next((name for name in events if f"Pod {name}, container checkout: not ready" in message), None)
    _expect(pod is not None, f"its message names a pod that the API server had, {pod}, and its condition", narrator)
    told = next((event for event in events.get(pod or "", ()) if event in message), None)
    _expect(told is not None, f"and an event of that pod: {told}", narrator)
    _expect(_runs(installation, before), f"commit {before[:8]} runs again, complete", narrator)


def _on_call_rollback(installation: Installation, narrator: Narrator) -> None:
    good = _running_commit(installation)
    commit = push(installation, SHOP, next_version(installation), "Faster basket")
    _deployctl(installation, narrator, "shop", *_release("checkout"), expect=0)
    _expect(_runs(installation, commit), f"commit {commit[:8]} is live", narrator)
    narrator.say("It works, and customers complain. 03:00, the person on call wants the last good one back.")
    arguments = (
        "rollback",
        "--app",
        "checkout",
        "--env",
        "staging",
        "--yes",
        "--reason",
        "Baskets lose items",
    )
    _deployctl(installation, narrator, "on-call", *arguments, expect=0)
    _expect(_runs(installation, good), f"commit {good[:8]} is back, complete", narrator)


def _past_the_gateway(installation: Installation, narrator: Narrator) -> None:
    narrator.say(
        "What they apply, on standard input, is the very Deployment that the gateway rolled out, under another name."
    )
    manifest = _copy_of_running(installation)
    for who in [name for name in ("developer", "admin") if name in installation.stack.kubeconfigs]:
        narrator.command("kubectl", "--kubeconfig", f"{who}.kubeconfig", "apply", "--filename", "-")
        done = installation.stack.kubectl("apply", "--filename=-", identity=who, stdin=manifest)
        narrator.output(done.stderr.strip() or done.stdout.strip())
        _expect(done.returncode != 0 and "gateway only" in done.stderr, f"the API server refused the {who}", narrator)
    _expect(_get(installation, "deployment", "sneaky") is None, "there is no such Deployment", narrator)


def _copy_of_running(installation: Installation) -> str:
    """checkout's own Deployment, called sneaky: it breaks no rule but the one."""
    running = _get(installation, "deployment", "checkout")
    if running is None:
        raise ActFailed("checkout does not run")
    metadata = {"name": "sneaky", "namespace": NAMESPACE, "labels": running["metadata"]["labels"]}
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": running["spec"]})


def _release(app: str) -> tuple[str, ...]:
    return ("release", "--app", app, "--env", "staging", "--ref", "main")


ACTS = (
    Act(
        "A good release goes live",
        "Team shop pushes a dozen lines. The standard chart makes of them what a security engineer would have.",
        _good_release,
    ),
    Act(
        "A bad one is refused, and says how to mend it",
        "Team blog brings raw manifests: the latest image, as root, behind a LoadBalancer of its own.",
        _bad_release,
    ),
    Act(
        "A rollout that never gets ready is undone by itself",
        "Team shop's next version passes every check, and then doesn't start.",
        _broken_rollout,
    ),
    Act("The person on call rolls back", "A version that is healthy and wrong.", _on_call_rollback),
    Act(
        "Past the gateway",
        "Somebody with kubectl, and then even the cluster's administrator, tries without the gateway.",
        _past_the_gateway,
    ),
)
