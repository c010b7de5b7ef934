"""`deployctl render`: the manifests, which works offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deployctl import options


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=".")
@options.local
@click.option("-o", "--output", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def render(folder: Path, form: str, **place: Any) -> None:
    """The manifests that the standard chart makes of DIR/deploy.yaml. Works without a gateway, remote or registry.

    What only the platform knows is stood in for, and said on standard error.

    \b
    deployctl render
    deployctl render apps/checkout --env production --config gateway.yaml
    deployctl render -o json --namespace '{app}-staging' --team shop
    """
    from tempfile import TemporaryDirectory

    from deployctl.config import platform_file
    from deployctl.local import NO_COMMIT, Local, Programs, deploy_file
    from deployctl.platform import Asked, platform_for
    from pipelines.adapters.programs import HELM, find

    platform = platform_for(Asked(**{**place, "config": place["config"] or platform_file()}))
    with TemporaryDirectory(prefix="deployctl-") as scratch:
        source, made = Local(platform, Programs(find(HELM)), Path(scratch)).made(deploy_file(folder))
    commit = source.checkout.commit
    stand_ins = (*platform.stand_ins, *(["commit 0000000 (no Git)"] if commit == NO_COMMIT else []))
    click.echo(f"# by {made.rendered.chart_label}; assumed: {', '.join(stand_ins)}", err=True)
    if form == "yaml":
        click.echo(made.rendered.manifest, nl=False)
    else:
        from deployctl.render.documents import print_document

        print_document({"apiVersion": "v1", "kind": "List", "items": list(made.rendered.objects)}, form)
