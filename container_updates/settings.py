"""What one run was asked to do; a value, without logic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Selector(NamedTuple):
    """One `--include` or `--exclude`: a field of the container and a glob."""

    field: str
    """name, image, label, project, service, host or namespace."""
    glob: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that argv and the environment decide. Times in seconds, sizes in bytes."""

    hosts: tuple[str, ...] = ()
    """URLs of the engines to ask; never empty once `cli` is done."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """URL of an engine to the name that the admin gave it."""
    inventories: tuple[str, ...] = ("engine",)
    """What is asked for: `engine` (containers) and `swarm` (services) at the hosts, `kubernetes[:CONTEXT]` (pods)."""
    kubeconfig: tuple[str, ...] = ()
    """Files, the first ones counting."""
    namespaces: tuple[str, ...] = ()
    """Of Kubernetes; none means all."""
    selector: str = ""
    """Labels of pods, as Kubernetes writes them."""
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_verify: bool = True
    """Whether an engine's certificate must be right (DOCKER_TLS_VERIFY)."""
    demo: bool = False
    all_containers: bool = False
    include: tuple[Selector, ...] = ()
    exclude: tuple[Selector, ...] = ()
    checks: tuple[str, ...] = ("updates",)
    docker_config: str = ""
    """Folder of config.json."""
    insecure_registries: tuple[str, ...] = ()
    ca_files: Mapping[str, str] = field(default_factory=dict)
    """Registry to CA file; the key "" is for every registry without one of its own."""
    mirrors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Registry to mirror URLs, from `--mirror`."""
    proxy: str = ""
    """URL of the proxy for the registries, in the place of the environment's and the engine's."""
    warning: Mapping[str, str] = field(default_factory=dict)
    """Metric to range, only what was given."""
    critical: Mapping[str, str] = field(default_factory=dict)
    trust_policies: tuple[str, ...] = ()
    """Files with the admin's decisions on whom to trust."""
    learn: str = ""
    """A file to write today's state to, as a trust policy."""
    accept: tuple[str, ...] = ()
    """Images or globs of repositories whose changed signers are right: that is written down, and nothing else done."""
    hold: tuple[str, ...] = ()
    """Images or globs whose update that waits now is not wanted: that is written down, and nothing else done."""
    unhold: tuple[str, ...] = ()
    """Images or globs of which no update is held any longer."""
    memory: bool = False
    """List what is remembered of signers and holds, and do nothing else."""
    check_policy: str = ""
    """A trust policy to tell the meaning of, and nothing else is done."""
    image: str = ""
    """What `check_policy` decides for it is told, too."""
    not_checked: str = "unknown"
    level: str = "major"
    """Which newer versions count."""
    tags: tuple[tuple[str, str], ...] = ()
    """Image glob ("" for all) and a regular expression that tags must match."""
    not_tags: tuple[tuple[str, str], ...] = ()
    min_age: float = 0.0
    """An update younger than this is no alarm yet."""
    timeout: float = 30.0
    state_dir: str = ""
    cache_ttl: float = 600.0
    no_cache: bool = False
    jobs: int = 32
    output: str = "nagios"
    output_file: str = ""
    """Where the report goes in the place of stdout, whole and renamed into place."""
    quiet: bool = False
    """Print nothing where there is nothing to tell: state OK, or with `new_only` no news."""
    changes: bool = False
    """Tell what an update changes, package by package."""
    explain: str = ""
    """The one container that everything is to be told of: its name, or the beginning of its id."""
    new_only: bool = False
    service: str = ""
    """Whose last report `new_only` means."""
    verbose: int = 0
    perfdata: bool = True
    max_output: int = 4096
    color: str = "auto"
    origins: tuple[tuple[str, str, str], ...] = ()
    """Option, value as text and where it came from (default, environment, command line), for -vv."""
