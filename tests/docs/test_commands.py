"""Every command that a page shows is run, in its order, by a shell, against what `make serve` starts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from configuration.file import load
from pipelines.deployfile import read
from tests.waiting import eventually
from tools.stack import Stack
from tools.stack.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(page.relative_to(ROOT).as_posix() for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")))
_START_SECONDS = 180
_PAGE_SECONDS = 500


def _blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def _commands(page: str) -> list[tuple[str, int]]:
    """Each command with the exit code that the page promises for it: `# exits 3`, or 0."""
    text = "".join(_blocks(page, "console")).replace("\\\n", " ")
    commands = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
    promised = [re.search(r"# exits (\d+)$", command) for command in commands]
    return [(command, int(said.group(1)) if said else 0) for command, said in zip(commands, promised, strict=True)]


def _environment(**more: str) -> dict[str, str]:
    """Somebody's shell, with nothing of ours in it but what measures coverage."""
    kept = (
        "PATH",
        "HOME",
        "LANG",
        "TMPDIR",
        "XDG_CACHE_HOME",
        "GOPATH",
        "GOMODCACHE",
        "GOPROXY",
        "COVERAGE_PROCESS_CONFIG",
    )
    return {name: os.environ[name] for name in kept if name in os.environ} | more


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like this one, without what has been started here."""
    folder = tmp_path_factory.mktemp("clone")
    for entry in ROOT.iterdir():
        if entry.name not in (".deploy-gateway", ".git"):
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture(scope="module")
def serving(clone: Path) -> Iterator[subprocess.Popen[str]]:
    """`make serve`, when it has said what to try."""
    log = clone / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["make", "serve", f"PORT={free_ports(1)[0]}"],
            cwd=clone,
            env=_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:

        def served() -> bool:
            assert process.poll() is None, log.read_text()
            return "ends everything." in log.read_text()

        eventually(served, _START_SECONDS)
        yield process
    finally:
        if process.poll() is None:
            subprocess.run(["make", "down"], cwd=clone, env=_environment(), check=True, timeout=60)
        process.wait(60)


Run = Callable[..., None]


@pytest.fixture
def run(clone: Path, tmp_path: Path) -> Run:
    """Runs the commands of a page, after `before`, and holds each to its exit code."""

    def run(page: str, *, before: str = "", **more: str) -> None:
        commands = [pair for pair in _commands(page) if pair[0] not in ("make demo", "make serve")]
        assert commands
        if shutil.which("curl") is None and any(command.startswith("curl ") for command, _ in commands):
            pytest.skip("this page shows curl, which is not installed")
        # Pages write into /tmp; two runs must not meet there.
        lines = [f'{command}\nprintf "\\n@@ {n} $?\\n"' for n, (command, _) in enumerate(commands)]
        script = before + "\n".join(lines).replace("/tmp/", f"{tmp_path}/")
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=clone,
            env=_environment(SCRATCH=str(tmp_path), **more),
            capture_output=True,
            text=True,
            timeout=_PAGE_SECONDS,
            check=False,
        )
        codes = {int(n): int(code) for n, code in re.findall(r"^@@ (\d+) (\d+)$", done.stdout, re.MULTILINE)}
        for n, (command, promised) in enumerate(commands):
            assert codes.get(n) == promised, f"{command}\n{done.stdout}\n{done.stderr}"

    return run


SHOP_ENV = "source .deploy-gateway/shop.env\n"
PLATFORM_ENV = "source .deploy-gateway/platform.env\n"
_OPEN_POD = """
apiVersion: v1
kind: Pod
metadata: {name: nexus}
spec: {containers: [{name: nexus, image: "sonatype/nexus3:{{ .Values.tag }}"}]}
"""
NEXT_VERSION = """
deployctl release --app checkout --env staging --ref main >/dev/null
git clone -q "$REPOSITORIES/shop/checkout.git" "$SCRATCH/next" && cd "$SCRATCH/next"
deployctl release --app checkout --env production --ref main >/dev/null
for version in 1.5.0 1.5.1; do
  sed -i "s/:1.[45].[012]/:$version/" deploy.yaml
  git -c user.name=me -c user.email=me@example.com commit -qam $version && git push -q
  deployctl release --app checkout --env staging --ref main >/dev/null
done
deployctl release --app checkout --env production --ref main >/dev/null
cd "$OLDPWD"
"""


def test_the_demonstration(clone: Path, tmp_path: Path) -> None:
    environment = _environment(DEPLOY_GATEWAY_STATE=str(tmp_path / "state"))
    command = ["make", "demo"]
    done = subprocess.run(
        command, cwd=clone, env=environment, capture_output=True, text=True, timeout=_PAGE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 5 acts were shown and verified" in done.stdout
    assert done.stdout.count("✓ verified") >= 5


def test_a_first_deploy_yaml(run: Run) -> None:
    run("docs/first-deploy-yaml.md")


@pytest.mark.usefixtures("serving")
def test_the_readme(run: Run) -> None:
    run("README.md")


@pytest.mark.usefixtures("serving")
def test_releasing_from_ci(run: Run) -> None:
    run("docs/how-to/release-from-ci.md", before=SHOP_ENV)


@pytest.mark.usefixtures("serving")
def test_running_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("docs/how-to/run-it.md", before=PLATFORM_ENV)
    first, *more = map(yaml.safe_load, _blocks("docs/how-to/run-it.md", "yaml"))
    assert more[0]["images"]["registries"][0]["prefix"] == first["images"]["registries"][0]["prefix"]
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db/gateway")
    monkeypatch.setenv("REDIS_URL", "redis://:p@redis/0")
    for document in (first, *({**first, **part} for part in more)):
        (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(document))
        assert load(tmp_path / "gateway.yaml").apps.keys() == {"checkout"}


@pytest.mark.usefixtures("serving")
def test_measuring_a_cluster(run: Run) -> None:
    """With a report in place of a node."""
    report = ROOT / "tests" / "pipelines" / "benchmarks" / "worker.json"
    run("docs/how-to/measure-a-cluster.md", before=f"{PLATFORM_ENV}kube-bench() {{ cat {report}; }}\n")


@pytest.mark.usefixtures("serving")
def test_adding_an_app(run: Run) -> None:
    run("docs/how-to/add-an-app.md")


@pytest.mark.usefixtures("serving")
def test_rolling_back(run: Run) -> None:
    run("docs/how-to/roll-back.md", before=SHOP_ENV + NEXT_VERSION)


@pytest.mark.usefixtures("serving")
def test_deploying_a_third_party_chart(run: Run, tmp_path: Path) -> None:
    """With a chart that leaves the pod open, and beside it the manifests that the standard chart renders."""
    golden = (ROOT / "tests" / "charts" / "golden" / "web-minimal" / "expected.yaml").read_text()
    files = {
        "charts/nexus/Chart.yaml": "apiVersion: v2\nname: nexus\nversion: 64.2.0\n",
        "charts/nexus/templates/pod.yaml": _OPEN_POD,
        "values.yaml": "tag: 3.70.1\n",
        "k8s/checkout.yaml": golden.replace("checkout-staging", "shop"),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    run("docs/how-to/deploy-a-third-party-chart.md", before=f'{SHOP_ENV}cd "$SCRATCH"\n')


@pytest.mark.usefixtures("serving")
def test_waiving_a_rule(run: Run) -> None:
    run("docs/how-to/waive-a-rule.md", before=PLATFORM_ENV)


@pytest.mark.usefixtures("serving")
def test_introducing_a_rule(run: Run) -> None:
    run("docs/how-to/introduce-a-rule.md", before=SHOP_ENV)


@pytest.mark.usefixtures("serving")
def test_upgrading_the_chart(run: Run) -> None:
    run("docs/how-to/upgrade-the-chart.md", before=SHOP_ENV)


def test_a_cluster_of_ones_own(run: Run, serving: subprocess.Popen[str], tmp_path: Path) -> None:
    assert serving.poll() is None
    with Stack.up(tmp_path / "own", components={"control-plane"}) as own:
        before = f"{PLATFORM_ENV}export KUBECONFIG={own.kubeconfigs['admin']}\n"
        run("docs/how-to/use-your-own-cluster.md", before=before, DEPLOY_GATEWAY_STATE=str(tmp_path / "state"))


def test_the_tutorial(run: Run, serving: subprocess.Popen[str], clone: Path) -> None:
    """The last: it ends what is served. A fresh repository, as for whoever begins with it."""
    first = (ROOT / "tools" / "demo" / "repositories" / "shop" / "checkout" / "deploy.yaml").read_text()
    before = f"""{SHOP_ENV}
git clone -q "$REPOSITORIES/shop/checkout.git" "$SCRATCH/first"
cat > "$SCRATCH/first"/deploy.yaml <<END
{first.replace("REGISTRY", "$REGISTRY")}
END
cd "$SCRATCH/first"
git -c user.name=me -c user.email=me@example.com commit -qam "As at the start"
git push -q; cd "$OLDPWD"
"""
    run("docs/tutorial.md", before=before)
    assert serving.wait(60) == 0
    assert not _pids_below(clone)


def _pids_below(folder: Path) -> list[str]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if str(folder).encode() in words:
            found.append(file.parent.name)
    return found


def test_every_page_with_commands_is_run() -> None:
    tested = re.findall(r'"((?:docs/[^"]*|README)\.md)"', Path(__file__).read_text())
    assert {page for page in PAGES if _commands(page)} == set(tested)


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", (ROOT / page).read_text()):
        assert (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_yaml_that_pages_show_is_yaml(page: str) -> None:
    for block in _blocks(page, "yaml"):
        documents: list[Any] = list(yaml.safe_load_all(block))
        document = documents[0] if len(documents) == 1 else None
        if isinstance(document, dict) and "app" in document:
            read(block.encode(), page, app=document["app"], environments=document.get("environments", {}))
