"""A real OpenID provider on this machine, and a gateway that people sign in to there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tools.toolbox import ensure

PEOPLE = {"ada": ["shop-developers"], "grace": ["shop-approvers", "shop-developers"], "mallory": ["elsewhere"]}
SECRET = "known to the gateway"
BACK = "http://127.0.0.1:8080/sign-in/callback"
SIGN_IN = """\
sign_in:
  issuer: {issuer}
  client_id: deploy-gateway
  client_secret: file:oidc-secret
  device_client_id: deployctl
  label: the test's provider
  roles:
    - {{claims: {{groups: shop-developers}}, role: developer, team: shop, environments: [staging]}}
    - {{claims: {{groups: shop-approvers}}, role: approver, team: shop}}
"""


@pytest.fixture(scope="session")
def openid_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The issuer of a provider where ada, grace and mallory have accounts, with their names as passwords."""
    folder = tmp_path_factory.mktemp("openid-provider")
    people = folder / "people.json"
    people.write_text(json.dumps({name: _person(name) for name in PEOPLE}))
    program = ensure(["openid-provider"])["openid-provider"]
    environment = {"USERS": str(people), "GROUPS": json.dumps(PEOPLE), "REDIRECT": BACK, "PATH": os.environ["PATH"]}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program], env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        issuer = process.stdout.readline().strip()
        assert issuer.startswith("http://127.0.0.1:"), (folder / "log").read_text()
        yield issuer
    finally:
        process.terminate()
        process.wait(30)


def _person(name: str) -> dict[str, object]:
    email = {"Email": f"{name}@example.com", "EmailVerified": True}
    return {"ID": name, "Username": name, "Password": name, "FirstName": name, "LastName": name, **email}
