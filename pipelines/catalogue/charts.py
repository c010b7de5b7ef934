"""What third-party charts bring beside plain objects."""

from __future__ import annotations

from pipelines.catalogue.entry import Entry
from pipelines.findings import Mode, Severity

# The name of the check that looks: what crashes is told by the same.
FOUND_BY = "third-party chart"

CRDS = Entry(
    id="chart-crds",
    severity=Severity.HIGH,
    title="A chart brings no definitions that the cluster has not",
    why="A CustomResourceDefinition is for the whole cluster: it changes what every team's objects mean, and stays "
    "when the App goes. The gateway never installs what is in a chart's folder crds/.",
    how="# ask the platform to install the definition; where the cluster has it, nothing is to be done",
    link="https://helm.sh/docs/chart_best_practices/custom_resource_definitions/",
    found_by=FOUND_BY,
)
HOOKS = Entry(
    id="chart-hooks",
    severity=Severity.LOW,
    title="What a chart runs around a rollout is seen",
    why="A hook runs with the App's identity at each rollout, whether or not it is part of what then runs.",
    how="# look at what it runs; most charts have a value that leaves it out",
    link="https://helm.sh/docs/topics/charts_hooks/",
    mode=Mode.WARN,
    found_by=FOUND_BY,
)
CHARTS = (CRDS, HOOKS)
