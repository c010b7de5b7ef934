"""`deployctl init`: a first deploy.yaml, which works offline."""

from __future__ import annotations

from pathlib import Path

import click

from deployctl import options

_TEXT = """\
apiVersion: deploy-gateway/v1
app: {app}
workload: web
image: {image}
port: {port}
# readiness: may it get requests now? liveness: must it be restarted? Two different questions.
health: {{readiness: /ready, liveness: /live}}
# What it is sure to get; of memory also the most that it may take.
resources: {{cpu: 100m, memory: 128Mi}}
# Nobody may call it, and it may call nobody, but who stands here:
#   from: [{{app: storefront}}]
#   to: [{{app: payments}}, {{host: api.stripe.com, port: 443}}]
allow: {{from: [], to: []}}
"""


@click.command()
@options.app
@click.option("--image", required=True, metavar="IMAGE", help="Registry, repository and tag; `latest` is refused.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Where it listens.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default="deploy.yaml",
    show_default=True,
    help="Where it is written to.",
)
def init(app: str, image: str, port: int, path: Path) -> None:
    """Write a first deploy.yaml. Works without a gateway; an existing file is left as it is.

    \b
    deployctl init --app checkout --image registry.example.com/shop/checkout:1.4.2
    """
    from deployctl.exits import Exit
    from deployctl.problems import CommandFailed
    from pipelines.deployfile import read
    from pipelines.errors import InvalidDeployFile

    text = _TEXT.format(app=app, image=image, port=port)
    try:
        read(text.encode(), str(path), app=app, environments=())
    except InvalidDeployFile as error:
        faults = tuple(f"{fault.reason}. {fault.solution}" for fault in error.errors)
        raise CommandFailed(
            "That would be no deploy.yaml", error.reason, error.solution, Exit.WRONG_USAGE, faults
        ) from error
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise CommandFailed(
            "Nothing was written", f"{path} is there already", "Edit it, or give another --file", Exit.WRONG_USAGE
        ) from error
    except OSError as error:
        raise CommandFailed("Nothing was written", f"{path}: {error.strerror}", "", Exit.WRONG_USAGE) from error
    click.echo(f"Wrote {path}. Commit it, then: deployctl release --app {app} --env ENV --ref BRANCH")
