"""A report of checks in each form that there is."""

from __future__ import annotations

from dataclasses import asdict

import click

from deployctl.verdicts import Report


def print_report(report: Report, form: str) -> None:
    """`report` on standard output, as `text`, `json`, `sarif`, `junit` or `github`.

    Places are seen from the working directory in the first two, and from the root of the Git working tree in those
    that CI reads.
    """
    if form in ("sarif", "junit", "github"):
        from deployctl.render.places import from_repository

        report = from_repository(report)
    if form == "text":
        from rich.console import Console

        from deployctl.render.verdicts import print_verdicts

        print_verdicts(Console(highlight=False), report)
    elif form == "junit":
        from deployctl.render.junit import junit

        click.echo(junit(report))
    elif form == "github":
        from deployctl.render.github import annotation_lines

        click.echo("\n".join(annotation_lines(report)))
    else:
        from deployctl.render.documents import print_document
        from deployctl.render.sarif import sarif

        print_document(sarif(report) if form == "sarif" else as_document(report), "json")


def as_document(report: Report) -> dict[str, object]:
    """`report` as the JSON that scripts read."""
    return {
        "exit_code": int(report.exit),
        "seconds": round(report.seconds, 3),
        "not_checked": [{"what": one.what, "why": one.why, "how": one.how} for one in report.not_checked],
        "apps": [
            {
                "app": one.app,
                "environment": one.environment,
                "file": one.file,
                "commit": one.commit,
                "state": one.state.value,
                "code": one.code or None,
                "objects": one.objects,
                "seconds": round(one.seconds, 3),
                "errors": [{"where": f.where, "reason": f.reason, "solution": f.solution} for f in one.faults],
                "findings": [{**finding.to_json(), "blocks": finding.blocks} for finding in one.findings],
                "suggested": asdict(one.suggested) if one.suggested else None,
            }
            for one in report.verdicts
        ],
    }
