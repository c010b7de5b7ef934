"""What an Environment can require of its cluster: rules that look at what kube-bench measured, and at no object."""

from __future__ import annotations

from pipelines.catalogue.entry import Entry
from pipelines.findings import Severity

FOUND_BY = "benchmark"
_LINK = "https://www.cisecurity.org/benchmark/kubernetes"
_WHY = "What an App runs on can be open while the App itself is closed: this Environment asks for proof of its nodes."

RECENT = Entry(
    id="benchmark-recent",
    severity=Severity.HIGH,
    title="Every class of nodes was measured lately",
    why=_WHY,
    how="deployctl cluster bench --file report.json --node NODE --node-class CLASS   # the platform's to do",
    link=_LINK,
    found_by=FOUND_BY,
)
PASSING = Entry(
    id="benchmark-passing",
    severity=Severity.HIGH,
    title="The checks of kube-bench pass that have to",
    why=_WHY,
    how="# what kube-bench says of the check; deployctl cluster bench shows it",
    link=_LINK,
    found_by=FOUND_BY,
)
NO_NEW_FAILURES = Entry(
    id="benchmark-no-new-failures",
    severity=Severity.HIGH,
    title="Nothing fails that did not fail in the accepted baseline",
    why=_WHY,
    how="deployctl cluster baseline CLUSTER --node-class CLASS --reason WHY   # or what kube-bench says of the check",
    link=_LINK,
    found_by=FOUND_BY,
)

POSTURE = (RECENT, PASSING, NO_NEW_FAILURES)
