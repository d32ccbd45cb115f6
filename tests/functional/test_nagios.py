"""Our Nagios files in a real Nagios 4: `nagios4 -v`, and one check until its result stands in status.dat."""

import grp
import os
import pwd
import re
import subprocess
from pathlib import Path

from .daemons import SERVICE_ENVIRONMENT, Daemon, program, wait_until
from .engine import Engine
from .plugin import PLUGIN, ROOT
from .published import Publisher, image, index
from .registries import Registry

_DEBIAN = Path("/etc/nagios4/objects")


def test_nagios_verifies_our_files_and_runs_the_check(
    engine: Engine, publisher: Publisher, registry: Registry, tmp_path: Path
) -> None:
    nagios4 = program("nagios4", "nagios4-core")
    for name in ("same", "changed"):
        publisher.push(f"nagios/{name}", "1", index(image("1")))
        engine.pull(f"{registry.name}/nagios/{name}:1")
        engine.run(f"{registry.name}/nagios/{name}:1", name)
    publisher.push("nagios/changed", "1", index(image("2")))
    config = _configured(tmp_path, engine.socket)

    verified = subprocess.run([nagios4, "-v", str(config)], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout
    assert re.search(r"Total Warnings: +0\n", verified.stdout), verified.stdout

    status = tmp_path / "status.dat"
    with Daemon([nagios4, str(config)], tmp_path / "nagios.log", SERVICE_ENVIRONMENT):
        wait_until(lambda: status.exists() and "has_been_checked=1" in _service(status), "Nagios has checked")
        service = _service(status)
    assert "current_state=1" in service, service
    assert "plugin_output=CONTAINER_UPDATES WARNING - 1 of 2 containers outdated (changed" in service
    assert re.search(r"^\tlong_plugin_output=.*\[WARNING\] changed: ", service, re.MULTILINE), service
    assert re.search(r"^\tperformance_data=containers=2\S* images=2", service, re.MULTILINE), service


def _configured(folder: Path, socket: str) -> Path:
    """A Nagios of its own with Debian's templates and our file; only engine and state directory are the test's."""
    plugins = folder / "plugins"
    plugins.mkdir()
    (plugins / "check_container_updates").symlink_to(PLUGIN)
    (plugins / "check_nrpe").symlink_to(program("check_nrpe", "nagios-nrpe-plugin"))
    (folder / "resource.cfg").write_text(f"$USER1$={plugins}\n")
    (folder / "results").mkdir()
    ours = (ROOT / "nagios" / "check_container_updates.cfg").read_text()
    (folder / "ours.cfg").write_text(
        ours.replace("--timeout=30 $ARG1$", f"--timeout=30 $ARG1$ --host=unix://{socket} --state-dir={folder}/state")
    )
    (folder / "host.cfg").write_text(
        "define host {\n    use generic-host\n    host_name localhost\n    address 127.0.0.1\n    check_interval 0\n"
        "    max_check_attempts 1\n    contacts nobody\n}\n"
        "define contact {\n    use generic-contact\n    contact_name nobody\n"
        "    service_notifications_enabled 0\n    host_notifications_enabled 0\n}\n"
    )
    # The contact is the test's; Debian's own service template names the group of its admins.
    objects = [folder / "ours.cfg", folder / "host.cfg"]
    objects += [_DEBIAN / f"{name}.cfg" for name in ("templates", "timeperiods", "commands", "contacts")]
    settings = {
        "log_file": folder / "nagios.log.own",
        "object_cache_file": folder / "objects.cache",
        "resource_file": folder / "resource.cfg",
        "status_file": folder / "status.dat",
        "status_update_interval": 1,
        "check_result_reaper_frequency": 1,
        "service_inter_check_delay_method": "n",
        "temp_file": folder / "nagios.tmp",
        "temp_path": folder,
        "check_result_path": folder / "results",
        "lock_file": folder / "nagios.pid",
        "command_file": folder / "nagios.cmd",
        "query_socket": folder / "nagios.qh",
        "state_retention_file": folder / "retention.dat",
        "check_external_commands": 0,
        "enable_notifications": 0,
        "check_for_updates": 0,
        "use_syslog": 0,
        "illegal_macro_output_chars": "`~$&|'\"<>",
        "service_check_timeout": 60,
        "nagios_user": pwd.getpwuid(os.geteuid()).pw_name,
        "nagios_group": grp.getgrgid(os.getegid()).gr_name,
    }
    lines = [f"cfg_file={file}" for file in objects] + [f"{name}={value}" for name, value in settings.items()]
    config = folder / "nagios.cfg"
    config.write_text("\n".join(lines) + "\n")
    return config


def _service(status: Path) -> str:
    """The block of our service in status.dat."""
    blocks = re.findall(r"^servicestatus \{\n(.*?)^\t\}", status.read_text(), re.MULTILINE | re.DOTALL)
    return next((block for block in blocks if "service_description=container updates" in block), "")
