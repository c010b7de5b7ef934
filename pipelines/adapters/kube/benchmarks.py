"""Jobs of kube-bench, and what they printed: all that is read of their namespace."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.adapters.kube.connection import Connection
from pipelines.adapters.kube.workloads import condition
from pipelines.benchmark import LARGEST_REPORT_BYTES
from pipelines.ports import BenchmarkJob

NODE_CLASS_LABEL = "deploy-gateway.dev/node-class"
_CONTAINER = "kube-bench"


class KubeBenchmarkJobs:
    """Implements `pipelines.ports.BenchmarkJobs`."""

    def __init__(self, kubeconfig: Path) -> None:
        """Raises `InvalidConfiguration` for a kubeconfig that can't be read, or that would run a program."""
        self._connection = Connection(kubeconfig)

    def finished(self, namespace: str) -> tuple[BenchmarkJob, ...]:
        """See `pipelines.ports.BenchmarkJobs.finished`."""
        path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        listed = self._connection.get(path, labelSelector=NODE_CLASS_LABEL)["items"]
        over = [job for live in listed if (job := _over(live)) is not None]
        return tuple(sorted(over, key=lambda job: job.finished_at))

    def report(self, namespace: str, job: BenchmarkJob) -> tuple[str, str]:
        """See `pipelines.ports.BenchmarkJobs.report`. One byte beyond the largest report tells that it is larger."""
        pods = f"/api/v1/namespaces/{namespace}/pods"
        selector = f"batch.kubernetes.io/controller-uid={job.uid}"
        found = self._connection.get(pods, labelSelector=selector)["items"]
        if not found:
            return "", ""
        name, node = found[0]["metadata"]["name"], found[0]["spec"].get("nodeName", "")
        printed = self._connection.text(f"{pods}/{name}/log", container=_CONTAINER, limitBytes=LARGEST_REPORT_BYTES + 1)
        return str(node), printed or ""


def _over(live: Any) -> BenchmarkJob | None:
    end = condition(live, "Complete") or condition(live, "Failed")
    if end is None:
        return None
    metadata = live["metadata"]
    words = (end.get("reason"), end.get("message"))
    return BenchmarkJob(
        uid=metadata["uid"],
        name=metadata["name"],
        node_class=metadata["labels"][NODE_CLASS_LABEL],
        finished_at=datetime.fromisoformat(end["lastTransitionTime"]),
        failure=": ".join(word for word in words if word) if end["type"] == "Failed" else "",
    )
