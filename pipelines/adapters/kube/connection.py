"""Requests to one API server: JSON in, JSON out, tried again while that makes sense."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
import yaml
from kubernetes import client, config

from pipelines.errors import ClusterUnavailable, GatewayError, InvalidConfiguration
from pipelines.ports import Manifest

FIELD_MANAGER = "helm"
"""Who Helm 4 applies as: a dry-run as anybody else would report conflicts with Helm's own fields."""

_TIMEOUT_SECONDS = 10.0
_PATIENCE_SECONDS = 15.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
# What the server calls its own fault and isn't: an object that it can't decode stays one.
_UNDECODABLE = re.compile(r"failed to convert new object|failed to create typed")
_POOL = 12
_APPLY = "application/apply-patch+yaml"
_JSON = "application/json"
# Without `application/json` as a second choice: a server that can't leave out the rest says so, and sends nothing.
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


def can_be_a_name(text: str) -> bool:
    """Whether an object may be called so: any other text, as part of a path, would lead to another place."""
    return text not in ("", ".", "..") and not set("/%") & set(text)


class Refused(GatewayError):
    """The API server answered, and said no. `status` is HTTP's, `message` its own words."""

    code = "cluster-refused"
    http_status = 422
    title = "The cluster refused a request of the gateway"

    def __init__(self, status: int, message: str) -> None:
        super().__init__(
            f"the API server answered {status}: {message}",
            "The platform looks at the rights of the deploy zone, and at the policies of the cluster",
        )
        self.status = status
        self.message = message


class Connection:
    """One API server, by one kubeconfig. Safe to share between threads."""

    def __init__(self, kubeconfig: Path, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """`patience_seconds` is how long a request is tried again before the cluster counts as away."""
        _insist_on_plain_credentials(kubeconfig)
        self._patience_seconds = patience_seconds
        settings = client.Configuration()
        load: Any = config.load_kube_config
        load(str(kubeconfig), client_configuration=settings, persist_config=False)
        settings.connection_pool_maxsize = _POOL
        settings.retries = False
        self._api = client.ApiClient(settings)
        self._host = settings.host
        self._headers = {"User-Agent": "deploy-gateway"}
        authentication: Any = settings.auth_settings()
        self._headers.update({setting["key"]: setting["value"] for setting in authentication.values()})
        self._resources: dict[str, dict[str, tuple[str, bool]]] = {}

    def get(self, path: str, **query: str | int) -> Any:
        """The answer to a GET. Raises `Refused`, `ClusterUnavailable`."""
        return self._json("GET", path, query)

    def find(self, path: str, **query: str | int) -> Any | None:
        """Like `get`; None where there is nothing."""
        try:
            return self.get(path, **query)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def metadata(self, path: str) -> Any | None:
        """The metadata of an object; None where there is none. Its data stays in the server.

        Annotations are metadata, and `kubectl apply` writes a copy of the object into one: keep and show none of it.
        Raises `Refused`, `ClusterUnavailable`.
        """
        try:
            return self._json("GET", path, {}, accept=_METADATA)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def apply(
        self, path: str, manifest: Manifest, *, dry_run: bool, manager: str = FIELD_MANAGER, force: bool = True
    ) -> Any:
        """Server-side apply; without `force` a field that another manager has set otherwise is a conflict (409).

        Raises `Refused`, `ClusterUnavailable`.
        """
        query: dict[str, str | int] = {"fieldManager": manager, "fieldValidation": "Strict"}
        if force:
            query["force"] = "true"
        if dry_run:
            query["dryRun"] = "All"
        return self._json("PATCH", path, query, manifest, _APPLY)

    def replace(self, path: str, manifest: Manifest) -> Any:
        """A PUT, which fails when somebody else wrote in between. Raises `Refused`, `ClusterUnavailable`."""
        return self._json("PUT", path, {}, manifest, "application/json")

    def delete(self, path: str) -> Any:
        """Removes the object, and in a moment what it owns. Raises `Refused`, `ClusterUnavailable`."""
        return self._json("DELETE", path, {"propagationPolicy": "Background"})

    def stream(self, path: str, **query: str | int) -> Iterator[Any]:
        """The events of a watch, until the server ends it. Raises `Refused`, `ClusterUnavailable`."""
        seconds = int(query["timeoutSeconds"]) + _TIMEOUT_SECONDS
        try:
            response = self._send("GET", path, {**query, "watch": "true"}, None, "", seconds)
            pending = b""
            for chunk in response.stream(65536):
                *complete, pending = (pending + chunk).split(b"\n")
                yield from (json.loads(line) for line in complete if line)
        except urllib3.exceptions.HTTPError as error:
            raise self._away(error) from error

    def text_lines(self, path: str, **query: str | int) -> tuple[str, ...]:
        """The lines of a text; none where the server has none to give."""
        try:
            response = self._send("GET", path, query, None, "", 2.0)
            content = response.read()
        except urllib3.exceptions.HTTPError:
            return ()
        return tuple(content.decode("utf-8", "replace").splitlines()) if response.status == 200 else ()

    def text(self, path: str, **query: str | int) -> str | None:
        """A text as it is; None where the server answers that there is none. Raises `ClusterUnavailable`."""
        try:
            response = self._send("GET", path, query, None, "", _TIMEOUT_SECONDS)
            content = response.read()
        except urllib3.exceptions.HTTPError as error:
            raise self._away(error) from error
        if response.status in _TRY_AGAIN:
            raise self._away(_refused(response.status, content))
        return content.decode("utf-8", "replace") if response.status == 200 else None

    def path_of(self, manifest: Manifest, namespace: str) -> str:
        """Where the object is in the API. Raises `Refused` for a kind that the cluster doesn't have, and for a
        name that would lead to another place.
        """
        name = str(manifest["metadata"]["name"])
        if not can_be_a_name(name):
            raise Refused(404, f"no object can be called {name!r}")
        api_version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        known = self._resources.get(base)
        if known is None or kind not in known:
            listed = self.get(base)["resources"]
            known = {one["kind"]: (one["name"], one["namespaced"]) for one in listed if "/" not in one["name"]}
            self._resources[base] = known
        if kind not in known:
            raise Refused(404, f"the cluster has no {kind} in {api_version}")
        plural, namespaced = known[kind]
        place = f"/namespaces/{namespace}" if namespaced else ""
        return f"{base}{place}/{plural}/{quote(name, safe=':')}"

    def _json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int],
        body: Manifest | None = None,
        content_type: str = "",
        accept: str = _JSON,
    ) -> Any:
        deadline = time.monotonic() + self._patience_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                response = self._send(method, path, query, body, content_type, _TIMEOUT_SECONDS, accept)
                content = response.read()
                if response.status < 300:
                    return json.loads(content)
                refused = _refused(response.status, content)
                if response.status not in _TRY_AGAIN or _UNDECODABLE.search(refused.message):
                    raise refused
                problem: Exception = refused
            except urllib3.exceptions.HTTPError as error:
                problem = error
            if time.monotonic() + pause > deadline:
                raise self._away(problem) from problem
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int],
        body: Manifest | None,
        content_type: str,
        timeout_seconds: float,
        accept: str = _JSON,
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self._host}{path}?{urlencode(query)}" if query else f"{self._host}{path}"
        headers = {**self._headers, "Accept": accept}
        if content_type:
            headers["Content-Type"] = content_type
        response: urllib3.BaseHTTPResponse = self._api.rest_client.pool_manager.request(
            method,
            url,
            headers=headers,
            body=None if body is None else json.dumps(body).encode(),
            timeout=urllib3.Timeout(connect=2.0, read=timeout_seconds),
            preload_content=False,
            retries=False,
            redirect=False,
        )
        return response

    def _away(self, problem: Exception) -> ClusterUnavailable:
        words = problem.message if isinstance(problem, Refused) else type(problem).__name__
        return ClusterUnavailable(
            f"the API server {self._host} does not answer: {words}",
            "It is tried again. See whether the cluster is up, and whether its address in the kubeconfig is right",
        )


def _refused(status: int, content: bytes) -> Refused:
    try:
        document = json.loads(content)
        return Refused(status, str(document["message"]))
    except (ValueError, KeyError, TypeError):
        return Refused(status, content[:500].decode("utf-8", "replace") or f"HTTP {status}")


def _insist_on_plain_credentials(kubeconfig: Path) -> None:
    """A kubeconfig can name a program to run for credentials: whoever writes the file would run it here."""
    try:
        document = yaml.safe_load(kubeconfig.read_bytes())
        users = [one.get("user") or {} for one in document.get("users") or []]
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise InvalidConfiguration(
            "the kubeconfig can't be read", "Give --kubeconfig a kubeconfig file", where=str(kubeconfig)
        ) from error
    for user in users:
        for key in ("exec", "auth-provider"):
            if key in user:
                raise InvalidConfiguration(
                    f"the kubeconfig has {key}, a program to run for credentials, and none is ever run",
                    "Give it a token or a client certificate: `kubectl create token deploy-gateway -n deploy-gateway`",
                    where=str(kubeconfig),
                )
