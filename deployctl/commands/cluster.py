"""`deployctl cluster`: how safe kube-bench finds a cluster, and what it knows."""

from __future__ import annotations

import re
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployctl import options

if TYPE_CHECKING:
    from deployctl.client import Client

_HOW = "kube-bench run --json > report.json"


@click.group()
def cluster() -> None:
    """The clusters that Releases go to: how safe kube-bench finds them, and what they know."""


@cluster.command()
@click.option("--cluster", "name", default=None, metavar="CLUSTER", help="Which one, where there are several.")
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default=None,
    help="Hand in this report of `kube-bench run --json`; `-` reads it from standard input.",
)
@click.option("--node", default=None, metavar="NODE", help="The node that it was measured on; with --file.")
@click.option("--node-class", default=None, metavar="CLASS", help="Its class, such as worker; with --file.")
@options.output
@options.url
def bench(
    name: str | None, file: Path | None, node: str | None, node_class: str | None, form: str, url: str | None
) -> None:
    """Shows the posture of a cluster; with --file, hands in what kube-bench measured on a node.

    \b
    deployctl cluster bench
    deployctl cluster bench --file report.json --node worker-1 --node-class worker
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.render.documents import print_document

    if (file is None) != (node is None) or (file is None) != (node_class is None):
        raise click.UsageError("--file, --node and --node-class belong together: a report is of one node")
    client = Client(load_config(url))
    address = f"/api/v1/clusters/{name or _only(client)}/benchmarks"
    if file is not None:
        measured = client.post(address, _report(file) | {"node": node, "node_class": node_class}, key=str(uuid.uuid4()))
        if form != "text":
            print_document(measured, form)
            return
        click.echo(f"stored {measured['id']}: {_counts(measured)}", err=True)
    posture = client.get(address, limit=10)
    if form != "text":
        print_document(posture, form)
    else:
        _show(posture)


@cluster.command()
@click.argument("name", metavar="CLUSTER")
@click.option("--node-class", required=True, metavar="CLASS", help="The class of nodes.")
@click.option("--reason", required=True, metavar="TEXT", help="Why what fails is accepted; it stands on the page.")
@options.url
def baseline(name: str, node_class: str, reason: str, url: str | None) -> None:
    """Accepts what was measured last as it is: from then on only what gets worse is news.

    \b
    deployctl cluster baseline main --node-class worker --reason "The vendor's kubelet; ticket 4711"
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.exits import Exit
    from deployctl.problems import CommandFailed

    client = Client(load_config(url))
    classes = client.get(f"/api/v1/clusters/{name}/benchmarks", limit=1)["node_classes"]
    newest = next((one["newest"] for one in classes if one["name"] == node_class), None)
    if newest is None:
        known = ", ".join(one["name"] for one in classes)
        raise CommandFailed(
            "Nothing to accept",
            f"nothing was measured on a node class {node_class!r} of {name}",
            f"Measure it first; its classes are: {known}",
            Exit.WRONG_USAGE,
        )
    body = {"measurement": newest["id"], "reason": reason}
    client.post(f"/api/v1/clusters/{name}/baselines", body, key=str(uuid.uuid4()))
    failed = "1 failure" if newest["failed"] == 1 else f"{newest['failed']} failures"
    click.echo(f"{node_class} of {name}: accepted {newest['id']} with {failed}", err=True)


@cluster.command()
@click.argument("name", metavar="[CLUSTER]", required=False)
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default=None,
    metavar="FILE",
    help="Write them there, for --facts; `-` is standard output.",
)
@options.url
def facts(name: str | None, file: Path | None, url: str | None) -> None:
    """Gets what a cluster knows: its version, its APIs and the schemas of its kinds, CRDs among them.

    They are kept, and `check` and `render` use them for Environments of that cluster, with --config. Get them again
    when the cluster is upgraded, or has new CRDs.

    \b
    deployctl cluster facts main
    deployctl cluster facts main -o facts.json
    """
    from deployctl.client import Client
    from deployctl.config import load_config
    from deployctl.facts import facts_in, keep_facts

    client = Client(load_config(url))
    named = _plain(name or _only(client))
    address = f"/api/v1/clusters/{named}/facts"
    content = client.file(address)
    known = facts_in(content, address)
    what = f"{named}: Kubernetes {known.kubernetes_version}, {len(known.schemas)} kinds"
    if file is None:
        click.echo(f"{what}, kept in {keep_facts(named, content)}", err=True)
    elif str(file) == "-":
        click.echo(content.decode("utf-8", "replace"))
    else:
        _write(file, content)
        click.echo(f"{what}, in {file}: --facts {file}", err=True)


def _plain(name: str) -> str:
    """`name`, which is to be that of a file. Raises `UsageError` for one that leads elsewhere."""
    from pipelines.apps import NAME_PATTERN

    if re.fullmatch(NAME_PATTERN, name) is None:
        raise click.UsageError(f"{name!r} is no name of a cluster")
    return name


def _write(file: Path, content: bytes) -> None:
    from deployctl.exits import Exit
    from deployctl.problems import CommandFailed

    try:
        file.write_bytes(content)
    except OSError as error:
        reason = f"{file}: {error.strerror}"
        raise CommandFailed("The facts can't be written", reason, "Name another file", Exit.WRONG_USAGE) from error


def _only(client: Client) -> str:
    names = [one["name"] for one in client.get("/api/v1/clusters")["items"]]
    if len(names) != 1:
        raise click.UsageError(f"say which cluster: {', '.join(names)}")
    return str(names[0])


def _report(file: Path) -> dict[str, Any]:
    """The report's text and, for a file, when it was written: one from last week is no news of today."""
    from datetime import UTC, datetime

    from deployctl.exits import Exit
    from deployctl.problems import CommandFailed

    try:
        if str(file) == "-":
            return {"report": sys.stdin.read()}
        written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        return {"report": file.read_text("utf-8"), "measured_at": written.isoformat(timespec="seconds")}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CommandFailed(
            "The report can't be read", f"{file}: {reason}", f"Make one: {_HOW}", Exit.WRONG_USAGE
        ) from error


def _counts(measured: dict[str, Any]) -> str:
    counted = (f"{measured[key]} {word}" for key, word in (("passed", "pass"), ("failed", "fail"), ("warned", "warn")))
    return ", ".join(counted)


def _show(posture: dict[str, Any]) -> None:
    from deployctl.render.tables import print_table
    from deployctl.render.text import ago, safe

    print_table(
        ("NODES", "STATE", "PASS", "FAIL", "WARN", "NEW", "NODE", "MEASURED", "BASELINE"),
        (_row(one, ago) for one in posture["node_classes"]),
        may_go=("WARN", "NODE"),
    )
    for one in posture["node_classes"]:
        if one["newest"] and one["newest"]["error"]:
            click.secho(f"\n{one['name']}: {safe(one['newest']['error'])}", fg="red")
        for check in one["failures"]:
            news = " (new)" if check["is_new"] else ""
            click.secho(f"\n{one['name']} {safe(check['id'])}{news}  {safe(check['text'])}", fg="red")
            for line in safe(check["remediation"]).splitlines():
                click.echo(f"  {line}")


def _row(one: dict[str, Any], ago: Any) -> tuple[str, ...]:
    newest, baseline = one["newest"], one["baseline"]
    counts = [str(newest[key]) if one["state"] == "measured" else "" for key in ("passed", "failed", "warned")]
    news = str(sum(check["is_new"] for check in one["failures"])) if baseline else ""
    when, node = (ago(newest["measured_at"]), newest["node"]) if newest else ("never", "")
    return one["name"], one["state"], *counts, news, node, when, f"by {baseline['accepted_by']}" if baseline else ""
