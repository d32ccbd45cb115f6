"""A recorded cluster (kube-apiserver 1.34) through an embedded API server: workloads, forms of image ids, errors."""

import json
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from container_updates.clock import Clock, Deadline
from container_updates.demo.kubernetes import KubernetesServer
from container_updates.errors import InventoryError
from container_updates.inventory.connections import kubeconfig
from container_updates.inventory.kubernetes import KubernetesPods
from container_updates.model import Container, Platform, Subject
from container_updates.settings import Selector, Settings
from tests.support import paths
from tests.support.lab import lab

RECORDED = json.loads((paths.ASSETS / "fleet" / "kubernetes-1.34.json").read_text())
PODS = RECORDED["pods"]["items"] if isinstance(RECORDED["pods"], dict) else RECORDED["pods"]


@pytest.fixture
def server() -> Iterator[KubernetesServer]:
    with KubernetesServer(deepcopy(PODS), RECORDED["nodes_metadata"]["items"], token="t0ken") as started:
        yield started


@pytest.fixture
def config(server: KubernetesServer, tmp_path: Path) -> Callable[..., str]:
    """Write a kubeconfig, and return its path."""

    def write(**user: Any) -> str:
        told = {
            "current-context": "lab",
            "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://{server.netloc}"}}],
            "users": [{"name": "u", "user": user or {"token": "t0ken"}}],
        }
        (tmp_path / "config").write_text(json.dumps(told))
        return str(tmp_path / "config")

    return write


def pods(file: str, seconds: float = 20.0, context: str = "", **changes: Any) -> KubernetesPods:
    settings = Settings(kubeconfig=(file,), **changes)
    return KubernetesPods(context, settings=settings, deadline=Deadline(seconds, Clock()), patience=seconds)


def by_name(inventory: KubernetesPods) -> dict[str, Container]:
    return {container.name: container for container in inventory.containers()}


def subject(container: Container) -> Subject:
    assert container.subject is not None, container.problem
    return container.subject


def test_a_row_is_a_container_of_a_workload(config: Callable[..., str]) -> None:
    found = by_name(pods(config()))
    assert set(found) == {
        "shop/agent/agent",
        "shop/agent/debug",
        "shop/alias/c",
        "shop/crio-oddity/c",
        "shop/db/postgres",
        "shop/db/sidecar",
        "shop/imported/c",
        "shop/legacy/c",
        "shop/legacy-local/c",
        "shop/pinned/c",
        "shop/web/c",
        "kube-system/etcd/etcd",
    }
    assert found["shop/web/c"].members == tuple(f"web-6d4b75cb6d-{name * 5}" for name in "abc")
    assert {container.host for container in found.values()} == {"lab"}
    assert {container.program for container in found.values()} == {"kubectl"}


def test_finished_ones_count_with_all_alone(config: Callable[..., str]) -> None:
    found = by_name(pods(config(), all_containers=True))
    assert {"batch/nightly/c", "shop/db/init"} <= set(found)
    assert not found["batch/nightly/c"].running


@pytest.mark.parametrize(
    ("name", "digest", "config_digest"),
    [
        ("shop/db/postgres", "c", False),
        ("shop/legacy/c", "f", False),
        ("shop/crio-oddity/c", "7", False),
        ("shop/imported/c", "8", True),
        ("shop/legacy-local/c", "9", True),
    ],
)
def test_every_form_of_an_image_id(config: Callable[..., str], name: str, digest: str, config_digest: bool) -> None:
    image = subject(by_name(pods(config()))[name]).image
    assert image.id == "sha256:" + digest * 64
    assert image.id_is_config is config_digest
    assert image.digests == (frozenset() if config_digest else {image.id})


def test_names_are_those_of_the_specification(config: Callable[..., str]) -> None:
    found = by_name(pods(config()))
    assert str(subject(found["shop/alias/c"]).reference) == "docker.io/library/nginx:stable"
    assert subject(found["shop/pinned/c"]).reference.digest == "sha256:" + "6" * 64


def test_replicas_that_run_different_images_are_all_known(config: Callable[..., str]) -> None:
    found = subject(by_name(pods(config()))["shop/web/c"])
    assert [image.id[7] for image in found.replicas] == ["b", "a"]
    assert subject(by_name(pods(config()))["shop/db/postgres"]).replicas == ()


def test_the_platform_is_that_of_the_nodes(config: Callable[..., str], server: KubernetesServer) -> None:
    inventory = pods(config())
    found = by_name(inventory)
    assert len(server.requests()) == 1
    assert inventory.details(subject(found["shop/agent/agent"]).image).platform == Platform("linux", "amd64")
    mixed = next(image for image in subject(found["shop/web/c"]).replicas if image.id[7] == "b")
    assert inventory.details(mixed).platform is None


def test_nodes_that_may_not_be_listed_cost_nothing(config: Callable[..., str], server: KubernetesServer) -> None:
    server.forbidden.add("nodes")
    inventory = pods(config())
    assert inventory.details(subject(by_name(inventory)["shop/agent/agent"]).image).platform is None


def test_pages_are_read_to_their_end(
    config: Callable[..., str], server: KubernetesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("container_updates.inventory.kubernetes._PAGE", 3)
    assert len(by_name(pods(config()))) == 12
    assert len(server.requests()) == -(-len(PODS) // 3)


@pytest.mark.parametrize("new_token", [True, False])
def test_a_list_that_expired_goes_on_where_the_server_says(
    config: Callable[..., str], server: KubernetesServer, monkeypatch: pytest.MonkeyPatch, new_token: bool
) -> None:
    monkeypatch.setattr("container_updates.inventory.kubernetes._PAGE", 3)
    server.expires_at, server.retry_token = 6, new_token
    if new_token:
        assert len(by_name(pods(config()))) == 12
    else:
        with pytest.raises(InventoryError, match="expired while it was read"):
            by_name(pods(config()))


def test_a_login_that_is_not_accepted_says_what_to_do(config: Callable[..., str]) -> None:
    with pytest.raises(InventoryError, match=r"does not accept this login \(HTTP 401\): a new token or certificate"):
        by_name(pods(config(token="expired")))


def test_pods_that_may_not_be_listed_name_the_rights(config: Callable[..., str], server: KubernetesServer) -> None:
    server.forbidden.add("pods")
    with pytest.raises(InventoryError, match=r"refuses GET /api/v1/pods \(HTTP 403\): pods is forbidden.*rbac\.yaml"):
        by_name(pods(config()))


def test_an_api_server_that_is_not_there(config: Callable[..., str], server: KubernetesServer) -> None:
    file = config()
    told = json.loads(Path(file).read_text())
    told["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    Path(file).write_text(json.dumps(told))
    with pytest.raises(InventoryError, match=r"^no API server at https://127\.0\.0\.1:1: Connection refused$"):
        by_name(pods(file))


def test_namespaces_and_selectors(config: Callable[..., str], server: KubernetesServer) -> None:
    assert set(by_name(pods(config(), namespaces=("kube-system",)))) == {"kube-system/etcd/etcd"}
    assert set(by_name(pods(config(), include=(Selector("namespace", "kube-*"),)))) == {"kube-system/etcd/etcd"}
    pods(config(), selector="app=web").containers()
    assert server.requests()[-1].path.endswith("labelSelector=app%3Dweb")


def test_annotations_are_labels_and_those_of_one_container_its_own(
    config: Callable[..., str], server: KubernetesServer
) -> None:
    for pod in server.pods:
        if pod["metadata"]["name"] == "db-0":
            pod["metadata"]["annotations"] = {"diun.enable/sidecar": "false"}  # type: ignore[index]
        if pod["metadata"]["name"] == "alias":
            pod["metadata"]["annotations"] = {"check_container_updates.enable": "false"}  # type: ignore[index]
    found = by_name(pods(config()))
    assert found["shop/db/sidecar"].excluded == "label diun.enable=false"
    assert found["shop/db/postgres"].excluded is None
    assert found["shop/alias/c"].excluded == "label check_container_updates.enable=false"


# -- kubeconfig ----------------------------------------------------------------------------------------------------


def plugin(folder: Path, script: str) -> dict[str, Any]:
    path = folder / "login"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(path), "args": ["x"]}}


def test_a_login_plugin_brings_the_token(config: Callable[..., str], tmp_path: Path) -> None:
    credential = json.dumps({"kind": "ExecCredential", "status": {"token": "t0ken"}})
    assert by_name(pods(config(**plugin(tmp_path, f"cat; echo '{credential}'"))))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "echo no; echo 'please log in: cloud auth login' >&2; exit 3",
            r"failed \(exit code 3\): please log in: cloud",
        ),
        ("echo nonsense", "printed no ExecCredential"),
        ("sleep 600", "did not end within"),
    ],
)
def test_a_login_plugin_that_fails_is_one_line(
    config: Callable[..., str], tmp_path: Path, script: str, words: str
) -> None:
    with pytest.raises(InventoryError, match=words) as caught:
        pods(config(**plugin(tmp_path, script)), seconds=1.0 if "sleep" in script else 20.0)
    assert "\n" not in str(caught.value)


def test_a_token_file_is_read_beside_its_kubeconfig(config: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    assert by_name(pods(config(tokenFile="token")))


def test_several_files_are_one_and_the_first_counts(config: Callable[..., str], tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.write_text("current-context: other\nusers:\n- name: u\n  user:\n    token: wrong\n")
    settings = Settings(kubeconfig=(str(tmp_path / "missing"), config(), str(second)))
    assert by_name(KubernetesPods("", settings=settings, deadline=Deadline(20, Clock()), patience=20))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no kubeconfig"),
        ("[", "no YAML"),
        ("7", "no kubeconfig"),
        ("{}", "names a context"),
        ("current-context: x", "there is no context 'x'"),
        ("a: !!python/object/apply:os.system [reboot]", "no YAML"),
    ],
)
def test_a_kubeconfig_that_is_none_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(InventoryError, match=words):
        pods(str(tmp_path / "config"))


def test_in_a_pod_its_own_token_counts(
    server: KubernetesServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, port = server.netloc.partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.setattr(kubeconfig, "_POD", tmp_path)
    (tmp_path / "token").write_text("t0ken")
    with pytest.raises(InventoryError, match=rf"certificate-authority {tmp_path}/ca\.crt: No such file"):
        pods(str(tmp_path / "missing"))
    assert os.environ["KUBERNETES_SERVICE_HOST"] == host


def test_the_least_rights_are_to_list_pods_and_nodes_alone() -> None:
    import yaml

    documents = list(yaml.safe_load_all((paths.ROOT / "kubernetes" / "rbac.yaml").read_text()))
    rules = [(rule["resources"], rule["verbs"]) for one in documents for rule in one.get("rules", [])]
    assert rules == [(["pods"], ["list"]), (["nodes"], ["list"])]


def test_replicas_wait_where_some_run_what_the_tag_names(tmp_path: Path) -> None:
    with lab(tmp_path) as host, KubernetesServer([]) as cluster:
        old = host.registry.push_image("shop/web", "1", labels={"v": "1"})
        new = host.registry.push_image("shop/web", "1", labels={"v": "2"})
        other = host.registry.push_image("shop/db", "1", labels={"v": "2"})

        def pod(workload: str, number: int, image: Any, digest: str) -> dict[str, Any]:
            owner = {"kind": "StatefulSet", "name": workload, "controller": True}
            return {
                "metadata": {"namespace": "shop", "name": f"{workload}-{number}", "ownerReferences": [owner]},
                "spec": {"containers": [{"name": "c", "image": image.reference, "imagePullPolicy": "Always"}]},
                "status": {"containerStatuses": [{"name": "c", "imageID": f"x@{digest}", "state": {"running": {}}}]},
            }

        cluster.pods = [
            pod("web", 0, new, old.digest),
            pod("web", 1, new, new.digest),
            pod("late", 0, new, old.digest),
            pod("db", 0, other, other.digest),
        ]
        (tmp_path / "kubeconfig").write_text(
            json.dumps(
                {
                    "current-context": "lab",
                    "contexts": [{"name": "lab", "context": {"cluster": "c"}}],
                    "clusters": [{"name": "c", "cluster": {"server": f"http://{cluster.netloc}"}}],
                }
            )
        )
        checked = host.check(
            inventories=("kubernetes",),
            kubeconfig=(str(tmp_path / "kubeconfig"),),
            checks=("updates", "restarts"),
        )
    assert checked.codes == {"shop/web/c": "up-to-date", "shop/late/c": "outdated", "shop/db/c": "up-to-date"}
    restarts = {
        judged.container.name: finding.finding.code
        for judged in checked.outcome.containers
        for finding in judged.findings
        if finding.finding.check == "restarts"
    }
    assert restarts["shop/web/c"] == "restart-pending"
    assert restarts["shop/db/c"] == "running-current"
