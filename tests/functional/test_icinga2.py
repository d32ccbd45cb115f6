"""Our Icinga 2 files in a real Icinga 2."""

from pathlib import Path

import pytest

from . import icinga
from .engine import Engine
from .published import Publisher, image, signature
from .registries import Registry


@pytest.fixture
def three_containers(engine: Engine, publisher: Publisher, registry: Registry) -> Engine:
    """current runs what is published; old and older do not."""
    for name in ("current", "old", "older"):
        publisher.push(f"icinga/{name}", "1", image("1"))
        engine.pull(f"{registry.name}/icinga/{name}:1")
        engine.run(f"{registry.name}/icinga/{name}:1", name)
    for name in ("old", "older"):
        publisher.push(f"icinga/{name}", "1", image("2"))
    return engine


def test_state_output_and_perfdata_are_read_back_through_the_rest_api(
    three_containers: Engine, publisher: Publisher, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('version = 1\n[[rule]]\nimages = ["**"]\nsignatures = "required"\n')
    objects = f"""
object Host "docker1" {{
  check_command = "dummy"
  vars.container_updates = true
  vars.container_updates_users = [ "admin" ]
  vars.container_registry_host = "registry1"
  vars.container_updates_host = "unix://{three_containers.socket}"
  vars.container_updates_state_dir = "{tmp_path}"
  vars.container_updates_verbose = "-v"
  vars.container_trust_policy = "{policy}"
  vars.agent_endpoint = "docker1"
  vars.container_engines["current"] = {{ container_updates_include = "name=current" }}
  vars.container_engines["critical"] = {{
    container_updates_include = [ "name=old", "name=current" ]
    container_updates_critical = [ "0", "outdated_age=30d" ]
    container_updates_timeout = 20
  }}
}}
object Host "registry1" {{ check_command = "dummy" }}
object User "admin" {{ }}
"""
    with icinga.started(objects) as running:
        one, signatures = "docker1!container-updates", "docker1!container-signatures"
        updates = {one, f"{one}-current", f"{one}-critical"}
        assert running.names("services") == updates | {signatures}
        assert running.names("notifications") == {
            *(f"{name}!container-updates" for name in updates),
            f"{signatures}!container-signatures",
        }
        assert running.names("dependencies") == {f"{name}!container-registry" for name in running.names("services")}

        ok = running.check(f"{one}-current")
        assert (ok["state"], ok["exit_status"]) == (0, 0), ok
        assert ok["output"].startswith("CONTAINER_UPDATES OK - ")
        assert _values(ok["performance_data"]) >= {"containers=1", "outdated=0"}

        warning = running.check(one)
        assert (warning["state"], warning["exit_status"]) == (1, 1), warning
        first, *rest = warning["output"].splitlines()
        assert first.startswith("CONTAINER_UPDATES WARNING - 2 of 3 containers outdated")
        assert {line.split(":")[0] for line in rest if line.startswith("[WARNING]")} == {
            "[WARNING] old",
            "[WARNING] older",
        }
        assert _values(warning["performance_data"]) >= {"containers=3", "images=3", "outdated=2"}
        assert "outdated=2;0" in {value.rstrip(";") for value in warning["performance_data"]}

        unsigned = running.check(signatures)
        assert (unsigned["state"], unsigned["exit_status"]) == (0, 0), unsigned
        assert _values(unsigned["performance_data"]) >= {"unsigned=3", "invalid_signatures=0"}
        # What was signed for another image is put beside this one.
        moved = signature("sha256:" + "0" * 64)
        publisher.push("icinga/current", image("1").digest.replace(":", "-") + ".sig", moved)
        (tmp_path / "state.sqlite").unlink()
        invalid = running.check(signatures)
        assert (invalid["state"], invalid["exit_status"]) == (2, 2), invalid
        assert invalid["output"].startswith(
            "CONTAINER_UPDATES CRITICAL - 1 of 3 containers with an invalid signature (current)"
        )

        critical = running.check(f"{one}-critical")
        assert (critical["state"], critical["exit_status"]) == (2, 2), critical
        assert critical["output"].startswith("CONTAINER_UPDATES CRITICAL - 1 of 2 containers outdated")
        assert _values(critical["performance_data"]) >= {"containers=2", "outdated=1"}


def _values(performance_data: list[str]) -> set[str]:
    return {item.partition(";")[0] for item in performance_data}
