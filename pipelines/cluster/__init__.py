"""What has to be in a cluster before the gateway can be its only way in.

`access.yaml` is the identity of the deploy zone and all that it may do; `gateway-only.yaml` refuses everybody
else in managed namespaces. They are plain manifests: read them, and apply them with whatever you trust.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent

ACCESS = _FOLDER / "access.yaml"
GATEWAY_ONLY = _FOLDER / "gateway-only.yaml"
EXAMPLES = _FOLDER / "examples.yaml"

SERVICE_ACCOUNT_NAMESPACE = "deploy-gateway"
SERVICE_ACCOUNT = "deploy-gateway"

MANAGED_LABEL = "deploy-gateway.dev/managed"
APP_LABEL = "deploy-gateway.dev/app"
ENVIRONMENT_LABEL = "deploy-gateway.dev/environment"

VERIFY_NAMESPACE = "deploy-gateway-verify"
"""A managed namespace with nothing in it, where `cluster verify` asks what would be refused."""
