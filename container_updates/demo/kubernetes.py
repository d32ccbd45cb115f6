"""An embedded Kubernetes API server with recorded pods: it pages, lets a list expire, and refuses."""

from collections.abc import Mapping, Sequence
from typing import Any

from container_updates.demo.http import Request, Response, Server, json_response


class KubernetesServer(Server):
    """`with KubernetesServer(pods) as server:` at `http://` + `server.netloc`; `token` is whom it lets in."""

    def __init__(
        self, pods: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]] = (), token: str = ""
    ) -> None:
        super().__init__()
        self.pods, self.nodes, self.token = pods, nodes, token
        self.forbidden: set[str] = set()
        """Kinds of things that may not be listed: `nodes`, `pods`."""
        self.expires_at: int | None = None
        """Position in the list at which a continue token has expired, once."""
        self.retry_token = True
        """Whether the answer to an expired token has a new one."""

    def answer(self, request: Request) -> Response:
        """What the API says to a GET."""
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return self._status(401, "Unauthorized", "Unauthorized")
        path = request.path
        what = "nodes" if path == "/api/v1/nodes" else "pods"
        parts = path.strip("/").split("/")
        namespace = parts[3] if parts[:3] == ["api", "v1", "namespaces"] and parts[4:] == ["pods"] else ""
        if path not in ("/api/v1/nodes", "/api/v1/pods") and not namespace:
            return self._status(404, "NotFound", "the server could not find the requested resource")
        if what in self.forbidden:
            words = (
                f'{what} is forbidden: User "check" cannot list resource "{what}" in API group "" at the cluster scope'
            )
            return self._status(403, "Forbidden", words)
        if what == "nodes":
            return json_response({"kind": "PartialObjectMetadataList", "items": list(self.nodes)})
        return self._page(request, [pod for pod in self.pods if namespace in ("", pod["metadata"].get("namespace"))])

    def _page(self, request: Request, pods: Sequence[Mapping[str, Any]]) -> Response:
        start, limit = int(request.parameter("continue") or 0), int(request.parameter("limit") or len(pods) or 1)
        if self.expires_at is not None and start >= self.expires_at:
            self.expires_at = None
            more = {"continue": str(start)} if self.retry_token else {}
            return self._status(410, "Expired", "The provided continue parameter is too old", more)
        meta = {"resourceVersion": "1"}
        if start + limit < len(pods):
            meta |= {"continue": str(start + limit), "remainingItemCount": str(len(pods) - start - limit)}
        return json_response({"kind": "PodList", "metadata": meta, "items": list(pods[start : start + limit])})

    def _status(self, code: int, reason: str, message: str, meta: Mapping[str, str] | None = None) -> Response:
        body = {"kind": "Status", "code": code, "reason": reason, "message": message, "metadata": dict(meta or {})}
        return json_response(body, code)
