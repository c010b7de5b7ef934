"""kubectl, as whoever the administrator's kubeconfig says, with what an API server answers told kindly."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, NoReturn

from pipelines.errors import ClusterUnavailable, Forbidden, GatewayError, InvalidInput
from tools.toolbox import ensure

_SECONDS = 120
_AWAY = r"unable to connect|connection refused|no such host|i/o timeout|deadline exceeded|EOF"
_UNKNOWN_PERSON = r"unauthorized|must be logged in|provide credentials"
_BAD_FILE = r"context was not found|context .* does not exist|invalid configuration|error loading config|no such file"
_TOO_OLD = r"no matches for kind \"ValidatingAdmissionPolicy|resource type \"validatingadmission"


class Kubectl:
    """One cluster. Without `kubeconfig` it is kubectl's own default, without `context` the current one."""

    def __init__(self, kubeconfig: Path | None, context: str | None) -> None:
        self._words = [
            str(ensure(["kubectl"])["kubectl"]),
            *([f"--kubeconfig={kubeconfig}"] if kubeconfig else []),
            *([f"--context={context}"] if context else []),
        ]
        self._where = str(kubeconfig or "kubeconfig")

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """What kubectl said, whatever its exit code."""
        try:
            return subprocess.run(
                [*self._words, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ClusterUnavailable(
                f"kubectl {arguments[0]} had no answer after {_SECONDS} s",
                "See whether the cluster is up",
                where=self._where,
            ) from error

    def must(self, *arguments: str, stdin: str = "") -> str:
        """Its output. Raises `ClusterUnavailable`, `Forbidden`, `InvalidInput`."""
        done = self.run(*arguments, stdin=stdin)
        if done.returncode != 0:
            self.fail(done.stderr or done.stdout)
        return done.stdout

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects that `kubectl get` finds."""
        text = self.must("get", *arguments, "--output=json", "--ignore-not-found")
        found = json.loads(text) if text.strip() else {"items": []}
        items: list[dict[str, Any]] = found.get("items", [found])
        return items

    def fail(self, said: str) -> NoReturn:
        """Raises what fits what kubectl `said`."""
        words = " ".join(said.split())[:600]
        for pattern, error, reason, solution in _ANSWERS:
            if re.search(pattern, said, re.IGNORECASE):
                raise error(f"{reason}: {words}", solution, where=self._where)
        raise ClusterUnavailable(f"kubectl: {words}", "Correct what the API server names", where=self._where)


_ANSWERS: tuple[tuple[str, type[GatewayError], str, str], ...] = (
    (
        _BAD_FILE,
        InvalidInput,
        "the kubeconfig can't be used",
        "See `kubectl config get-contexts`, and give --kubeconfig and --context",
    ),
    (_UNKNOWN_PERSON, Forbidden, "the API server does not know who you are", "Sign in to the cluster again"),
    (
        _TOO_OLD,
        ClusterUnavailable,
        "it has no ValidatingAdmissionPolicy",
        "Upgrade the cluster to Kubernetes 1.30 or newer",
    ),
    (
        "forbidden",
        Forbidden,
        "the API server refuses it",
        "Be an administrator of the cluster: somebody with the ClusterRole cluster-admin",
    ),
    (_AWAY, ClusterUnavailable, "the API server does not answer", "See whether its address is right and it is up"),
)
