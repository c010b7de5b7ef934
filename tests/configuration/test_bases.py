"""`base_images` in gateway.yaml: what it means, and that each mistake in it is told with its line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from configuration.file import load
from pipelines.base_images import ApprovedBase, BaseImages
from pipelines.errors import InvalidConfiguration
from pipelines.signature_check import Signed
from pipelines.versions import parse_range

DIGEST = "sha256:" + "a" * 64
HEAD = """\
apiVersion: deploy-gateway/v1
public_url: http://127.0.0.1:8080
store: {url: "sqlite:///gateway.db"}
queue: {url: "redis://127.0.0.1:6379/0"}
clusters: {local: {}}
environments: {staging: {cluster: local}}
"""
BASES = f"""\
base_images:
  exempt: [registry.example.com/vendor/]
  platforms: [linux/amd64, linux/arm/v7]
  scratch: true
  approved:
    - name: python
      repository: registry.example.com/base/python
      versions: ">=3.12 <3.14"
      suffix: -slim
      end_of_life: 2028-10-31
      recommended: 3.13.2-slim
    - name: static
      repository: registry.example.com:5000/base/static
      digests: ["{DIGEST}"]
      recommended: "{DIGEST}"
      credentials: env:STATIC
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "gateway.yaml"
    path.write_text(HEAD + text)
    return path


def test_bases_are_as_the_platform_lists_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(_write(tmp_path, BASES), environ={})
    assert settings.base_images == BaseImages(
        approved=(
            ApprovedBase(
                "python",
                "registry.example.com/base/python",
                parse_range(">=3.12 <3.14", "-slim"),
                (),
                date(2028, 10, 31),
                "3.13.2-slim",
            ),
            ApprovedBase("static", "registry.example.com:5000/base/static", None, (DIGEST,), None, DIGEST),
        ),
        exempt=("registry.example.com/vendor/",),
        platforms=("linux/amd64", "linux/arm/v7"),
        scratch=True,
    )
    monkeypatch.setenv("STATIC", "user:hunter2")
    assert settings.base_credentials["registry.example.com:5000/base/static"].read() == "user:hunter2"


PEM = "-----BEGIN PUBLIC KEY-----\\nMFkw\\n-----END PUBLIC KEY-----"


def test_who_signs_is_as_the_platform_says(tmp_path: Path) -> None:
    (tmp_path / "cosign.pub").write_text("a key")
    text = f'signatures: {{public_keys: ["{PEM}", file:cosign.pub], exempt: [a.example/], signed_as: [b.example/]}}'
    settings = load(_write(tmp_path, text), environ={})
    assert settings.signed == Signed(("a.example/",), ("b.example/",))
    assert [key.read() for key in settings.public_keys] == [PEM.replace("\\n", "\n"), "a key"]
    assert [key.where for key in settings.public_keys] == ["gateway.yaml:7"] * 2


@pytest.mark.parametrize("keys", ["[]", "[cosign.pub]", '["-----BEGIN PRIVATE KEY-----"]'])
def test_a_key_that_is_none_is_told_with_its_line(tmp_path: Path, keys: str) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        load(_write(tmp_path, f"signatures: {{public_keys: {keys}}}"), environ={})
    assert str(caught.value).startswith("gateway.yaml:7: signatures.public_keys")


def test_without_the_section_no_image_is_looked_into(tmp_path: Path) -> None:
    settings = load(_write(tmp_path, ""), environ={})
    assert (settings.base_images, settings.signed) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ('versions: ">=3.12 <3.14"', 'versions: ">=3.12 || <3.14"', 14, 'write versions as ">=3.12 <3.14"'),
        ('versions: ">=3.12 <3.14"', "versions: 3.13", 14, "should be text"),
        ("end_of_life: 2028-10-31", "end_of_life: 31.10.2028", 16, "write a day"),
        ("recommended: 3.13.2-slim", "recommended: 3.14.0-slim", 17, "'3.14.0-slim' is none of python's own builds"),
        ("recommended: 3.13.2-slim", "recommended: 3.13.2", 17, "'3.13.2' is none of python's own builds"),
        ("suffix: -slim", "sufix: -slim", 15, "Did you mean 'suffix'?"),
        ("suffix: -slim", "suffix: 1", 15, "should be text"),
        (f'digests: ["{DIGEST}"]', "digests: [latest]", 20, "does not have the form"),
        (f'digests: ["{DIGEST}"]', "suffix: -x", 18, "(static) has neither `versions` nor `digests`"),
        (f'digests: ["{DIGEST}"]', "suffix: -x", 20, "suffix is of no use without `versions`"),
        ("name: static", "name: python", 18, "'python' is the name of approved[0] already"),
        ("repository: registry.example.com/base/python", "repository: python", 13, "write host/path without a tag"),
        ("repository: registry.example.com/base/python", "repository: a.example/x:1", 13, "host/path without a tag"),
        ("exempt: [registry.example.com/vendor/]", "exempt: [registry.example.com/vendor]", 8, "ending in a slash"),
        ("platforms: [linux/amd64, linux/arm/v7]", "platforms: [amd64]", 9, "does not have the form"),
        ("credentials: env:STATIC", "credentials: user:hunter2", 22, "write where the secret is"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, expected: str) -> None:
    assert BASES.count(old) == 1
    with pytest.raises(InvalidConfiguration) as caught:
        load(_write(tmp_path, BASES.replace(old, new)), environ={})
    told = [str(fault) for fault in caught.value.errors]
    assert [fault for fault in told if fault.startswith(f"gateway.yaml:{line}: ") and expected in fault], told
    assert "hunter2" not in "".join(told)
