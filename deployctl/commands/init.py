"""`deployctl init`: a first deploy.yaml, which works offline."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from deployctl.dockerfile import Image
    from deployctl.first_file import Answers

_PORT = 8080


@click.command()
@click.option("--app", default=None, metavar="APP", help="The App's name.  [default: the folder's]")
@click.option("--workload", "kind", default=None, metavar="KIND", help="web, worker, stateful, cronjob or job.")
@click.option("--image", default=None, metavar="IMAGE", help="Registry, repository and tag; `latest` is refused.")
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="Where it listens, above 1023.")
@click.option("--readiness", default=None, metavar="PATH", help="Answers 200 when it can serve.")
@click.option("--liveness", default=None, metavar="PATH", help="Answers 200 as long as a restart wouldn't help.")
@click.option("--schedule", default=None, metavar="CRON", help="When a cronjob runs, as '15 3 * * *'.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: take the defaults for what is not given.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default="deploy.yaml",
    show_default=True,
    help="Where it is written to.",
)
def init(path: Path, yes: bool, **given: Any) -> None:
    """Write a first deploy.yaml. Works without a gateway; an existing file is left as it is.

    On a terminal it asks for what no option says; a Dockerfile beside the file gives the defaults.

    \b
    deployctl init
    deployctl init --yes --app checkout --image registry.example.com/shop/checkout:1.4.2
    deployctl init --yes --workload cronjob --schedule '15 3 * * *' --image registry.example.com/shop/report:2.0.1
    """
    from deployctl.config import schema_url
    from deployctl.dockerfile import look
    from deployctl.first_file import text
    from pipelines.deployfile import read

    _insist_on_new(path)
    image = look(path.parent / "Dockerfile")
    _warn(image)
    answers = _answers(given, path, image, asks=sys.stdin.isatty() and not yes)
    content = text(answers, schema_url())
    read(content.encode(), path.name, app=answers.app, environments=())
    _write(path, content)
    where = "" if path.name == "deploy.yaml" and path.parent == Path() else f" {path}"
    click.secho(f"✓ Wrote {path}", fg="green", bold=True)
    click.echo("Next:")
    click.echo(f"  deployctl check{where}    every check, on this machine")
    click.echo(f"  git add {path} && git commit && git push")
    click.echo(f"  deployctl release --app {answers.app} --env ENVIRONMENT --ref BRANCH")


def _answers(given: dict[str, Any], path: Path, image: Image | None, *, asks: bool) -> Answers:
    from deployctl.first_file import KINDS, Answers, known_kinds, needs
    from pipelines.deployfile.texts import HttpPath, Name, OwnPort, Schedule

    ask = _Asker(given, asks)
    folder = re.sub(r"[^a-z0-9]+", "-", path.resolve().parent.name.lower()).lstrip("-0123456789")[:40].strip("-")
    app = ask("app", "Name of the App", Name, folder or None)
    kinds = known_kinds()
    if asks and given["kind"] is None:
        click.echo("\n".join(f"  {kind:<10}{KINDS.get(kind, '')}" for kind in kinds))
    kind = ask("kind", "Kind of workload", _one_of(kinds), kinds[0])
    written = ask("image", "Image, with registry and tag", _pinned_image(), None)
    found = image.port if image and image.port and image.port >= 1024 else _PORT
    port = ask("port", "Port that it listens on", OwnPort, found) if needs(kind, "port") else found
    readiness, liveness = "/ready", (image.health_path if image else None) or "/live"
    if needs(kind, "health"):
        readiness = ask("readiness", "Path that answers 200 when it can serve", HttpPath, readiness)
        liveness = ask("liveness", "Path that answers 200 unless it must be restarted", HttpPath, liveness)
    schedule = (
        ask("schedule", "When it runs: minute, hour, day, month, weekday", Schedule, "15 3 * * *")
        if needs(kind, "cron")
        else ""
    )
    return Answers(app, kind, written, int(port), readiness, liveness, schedule)


def _one_of(names: tuple[str, ...]) -> Any:
    from typing import Literal

    return Literal[names]


def _pinned_image() -> Any:
    """The type of an image that the rules let through: asked for now, and not refused later."""
    from typing import Annotated

    from pydantic import AfterValidator

    from pipelines.deployfile.texts import Image
    from pipelines.images import parse_image

    def pinned(text: str) -> str:
        parts = parse_image(text)
        if parts.digest is None and (parts.tag is None or parts.tag.lower() == "latest"):
            raise ValueError("it needs a tag that stays what it is")
        return text

    return Annotated[Image, AfterValidator(pinned)]


class _Asker:
    """Takes each answer from the options, else asks for it, else takes the default."""

    def __init__(self, given: dict[str, Any], asks: bool) -> None:
        self._given, self._asks = given, asks

    def __call__(self, name: str, question: str, kind: Any, default: Any) -> Any:
        from deployctl.exits import Exit
        from deployctl.problems import CommandFailed

        if self._given[name] is not None:
            # What the schema takes and the rules would not is told now; everything else, when the file is read.
            return _fitting(self._given[name], kind, name) if name == "image" else self._given[name]
        if self._asks:
            return click.prompt(question, default=default, value_proc=lambda text: _fitting(text, kind, name))
        if default is None:
            option = "--workload" if name == "kind" else f"--{name}"
            raise CommandFailed(
                "Nothing was written", f"{question}: nobody said it", f"Give it by {option}", Exit.WRONG_USAGE
            )
        return default


_EXAMPLES = {
    "app": "checkout: small letters, digits and -",
    "kind": "web",
    "image": "registry.example.com/shop/checkout:1.4.2",
    "port": "8080: 1024 to 65535",
    "readiness": "/ready",
    "liveness": "/live",
    "schedule": "15 3 * * *",
}


def _fitting(text: str, kind: Any, name: str) -> Any:
    """`text`, when the schema takes it; else the question is asked again."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        raise click.BadParameter(
            f"{text!r} does not fit. Write for example {_EXAMPLES[name]}", param_hint=name
        ) from error


def _warn(image: Image | None) -> None:
    if image is None:
        return
    if image.runs_as_root:
        said = "names no USER" if image.user is None else f"has USER {image.user}"
        click.secho(
            f"! The Dockerfile {said}: it runs as 10001 here, and root's files are not its own.", fg="yellow", err=True
        )
        click.secho("  Write `USER 10001`, and give it the files that it writes to.", fg="yellow", err=True)
    if image.port is not None and image.port < 1024:
        click.secho(
            f"! The Dockerfile has EXPOSE {image.port}: without root it can't listen below 1024.", fg="yellow", err=True
        )
        click.secho(f"  Have it listen on another port, such as {_PORT}.", fg="yellow", err=True)


def _insist_on_new(path: Path) -> None:
    from deployctl.exits import Exit
    from deployctl.problems import CommandFailed

    if path.exists() or path.is_symlink():
        raise CommandFailed(
            "Nothing was written", f"{path} is there already", "Edit it, or give another --file", Exit.WRONG_USAGE
        )


def _write(path: Path, content: str) -> None:
    from deployctl.exits import Exit
    from deployctl.problems import CommandFailed

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise CommandFailed("Nothing was written", f"{path}: {error.strerror}", "", Exit.WRONG_USAGE) from error
