"""Argv and environment become Settings; the only place that knows argparse."""

import argparse
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn
from urllib.parse import urlsplit

from container_updates import __version__, reference
from container_updates.chain import CHECKS, DEFAULT_CHECKS
from container_updates.clock import duration
from container_updates.errors import InvalidReference, UsageError
from container_updates.options import defaults
from container_updates.report import FORMS
from container_updates.settings import Selector, Settings
from container_updates.untrusted.urls import without_login, without_logins

_NAME = "check_container_updates"
_PREFIX = "CHECK_CONTAINER_UPDATES_"
_FIELDS = ("name", "image", "label", "project", "service")
_STATES = ("ok", "warning", "critical", "unknown")
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_TLS = ("tls_ca", "tls_cert", "tls_key")
_CONTRADICTIONS = {
    ("demo", "hosts"): "--demo and --host",
    ("no_cache", "cache_ttl"): "--no-cache and --cache-ttl",
    ("explain", "include"): "--explain and --include",
    ("explain", "new_only"): "--explain and --new-only",
    ("explain", "service"): "--explain and --service",
    ("explain", "learn"): "--explain and --learn",
}
_EXPLAINED = {"output": "explain", "include": (), "all_containers": True, "new_only": False, "service": ""}
"""What is in force where one container is to be explained, whatever the environment says: it may be a stopped one."""
_ALONE = {"accept": {"state_dir"}, "memory": {"state_dir", "output"}}
"""Options that stand for something else than a check, and what goes with them."""
_LEARNT = ("signatures", "source")
"""Checks that --learn cannot do without."""
_MAX_SECONDS = 86400.0 * 366

Values = dict[str, Any]
"""Field of `Settings` to its value."""
Origins = dict[str, str]
"""Field of `Settings` to where its value came from; a field that is missing has its default."""


def parse(argv: Sequence[str], environ: Mapping[str, str], *, terminal: bool) -> Settings | str:
    """Return the settings, or the text that --help or --version want printed; raises `UsageError`.

    `terminal`: whether a person reads the output, who gets a table.
    """
    parser = _parser()
    given = vars(parser.parse_args(argv))
    if "version" in given:
        return f"{_NAME} {__version__}\n"
    if "help" in given:
        return parser.format_help()
    _refuse_contradictions(given, parser)
    values, origins = _from_environment(parser, environ)
    values.update(given)
    origins.update(dict.fromkeys(given, "command line"))
    tls_given = any(field in origins for field in _TLS)
    for field, value, origin in defaults.of(environ, values.get("hosts"), terminal=terminal):
        if field not in values and not (tls_given and field.startswith("tls_")):
            values[field], origins[field] = value, origin
    if values.get("explain"):
        _explain(values, origins)
    settings = Settings(**_shaped(values))
    _refuse_halves(settings, tls_given)
    return replace(settings, origins=tuple(_origins(parser, settings, origins)))


def _explain(values: Values, origins: Origins) -> None:
    as_data = values["output"] == "json"
    for field, value in _EXPLAINED.items():
        if field != "output" or not as_data:
            values[field], origins[field] = value, "--explain"


def _shaped(values: Values) -> Values:
    """Return the values as `Settings` has them: what was collected in lists becomes tuples and mappings."""
    shaped = {field: tuple(value) if isinstance(value, list) else value for field, value in values.items()}
    if "ca_files" in shaped:
        shaped["ca_files"] = _unique("--ca-file", shaped["ca_files"])
    shaped.setdefault("checks", DEFAULT_CHECKS)
    if shaped.get("learn"):
        shaped["checks"] = tuple(check for check in CHECKS if check in (*shaped["checks"], *_LEARNT))
    mirrors: dict[str, tuple[str, ...]] = {}
    for registry, url in shaped.get("mirrors", ()):
        mirrors[registry] = (*mirrors.get(registry, ()), url)
    shaped["mirrors"] = mirrors
    for field in ("warning", "critical"):
        if field in shaped:
            shaped[field] = _thresholds(field, shaped[field], shaped["checks"])
    return shaped


def _thresholds(field: str, texts: Sequence[str], checks: Sequence[str]) -> dict[str, str]:
    from container_updates.verdicts import parse_threshold  # it needs nagiosplugin, which --version does not

    return _unique(f"--{field}", [parse_threshold(text, checks) for text in texts])


def _unique(option: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    found = dict(pairs)
    for name, value in pairs:
        if found[name] != value:
            raise UsageError(f"{option}: {name or 'a value for all'} is given twice: {value} and {found[name]}")
    return found


def _refuse_contradictions(given: Values, parser: argparse.ArgumentParser) -> None:
    """Look at the command line alone: what the environment says of the same matter is replaced by it."""
    for field, fitting in _ALONE.items():
        others = [name.option_strings[-1] for name in parser._actions if name.dest in given.keys() - {field} - fitting]
        if field in given and others:
            raise UsageError(f"--{field} and {others[0]} contradict each other")
    for fields, options in _CONTRADICTIONS.items():
        if given.keys() >= {*fields}:
            raise UsageError(f"{options} contradict each other")
    if "explain" in given and given.get("output", "json") != "json":
        raise UsageError("--explain has a form of its own: of --output only json goes with it")


def _refuse_halves(settings: Settings, tls_given: bool) -> None:
    if settings.trust_policies and not {"signatures", "source"} & {*settings.checks}:
        raise UsageError("--trust-policy is for --check signatures or source")
    if settings.service and not settings.new_only:
        raise UsageError("--service is for --new-only")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise UsageError("--tls-cert and --tls-key belong together")
    if tls_given and not any(host.startswith(("tcp://", "https://")) for host in settings.hosts):
        raise UsageError("--tls-ca, --tls-cert and --tls-key are for a tcp:// or https:// --host")
    for option, path in (
        ("--tls-ca", settings.tls_ca),
        ("--tls-cert", settings.tls_cert),
        ("--tls-key", settings.tls_key),
        *(("--ca-file", path) for path in settings.ca_files.values()),
    ):
        try:
            if path is not None:
                with open(path, "rb"):
                    pass
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no file name"
            raise UsageError(f"{option} {path}: {reason}") from None


def _from_environment(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> tuple[Values, Origins]:
    actions = {_variable(action): action for action in parser._actions}
    values: Values = {}
    origins: Origins = {}
    for variable in sorted(name for name in environ if name.startswith(_PREFIX)):
        action = actions.get(variable)
        if action is None:
            raise UsageError(f"{variable}: there is no such option (see --help)")
        try:
            found = vars(parser.parse_args(_as_arguments(action, environ[variable])))
        except (UsageError, argparse.ArgumentTypeError, ValueError) as error:
            raise UsageError(f"{variable}: {error}") from None
        values.update(found)
        origins.update(dict.fromkeys(found, variable))
    return values, origins


def _variable(action: argparse.Action) -> str:
    return _PREFIX + action.option_strings[-1].strip("-").replace("-", "_").upper()


def _as_arguments(action: argparse.Action, text: str) -> list[str]:
    option = action.option_strings[-1]
    if action.dest == "verbose":
        return [option] * _whole(0, 3)(text)
    if action.nargs == 0:
        if text.lower() not in (*_YES, *_NO):
            raise UsageError(f"neither true nor false: {text[:40]!r}")
        return [option] if text.lower() in _YES else []
    return [
        f"{option}={value}" for value in (shlex.split(text) if isinstance(action, argparse._AppendAction) else [text])
    ]


def _origins(parser: argparse.ArgumentParser, settings: Settings, origins: Origins) -> Iterable[tuple[str, str, str]]:
    for action in parser._actions:
        if action.dest in origins or hasattr(settings, action.dest):
            value = getattr(settings, action.dest)
            value = " ".join(map(without_login, value)) if action.dest == "hosts" else _as_text(value)
            yield action.option_strings[-1], value, origins.get(action.dest, "default")


def _as_text(value: object) -> str:
    match value:
        case None | False:
            text = ""
        case Selector():
            text = f"{value.field}={value.glob}"
        case dict():
            text = " ".join(f"{name}={_as_text(item)}" for name, item in value.items())
        case tuple():
            text = " ".join(map(_as_text, value))
        case _:
            text = str(value)
    return without_logins(text)


class _Parser(argparse.ArgumentParser):
    """Leaves the words and the exit code of an error to others: argparse's 2 would be CRITICAL."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see --help)")


def _parser() -> _Parser:
    parser = _Parser(
        prog=_NAME,
        description="Are the running containers what their registries publish? Looks and tells, changes nothing.",
        epilog=(
            f"Every option also reads {_PREFIX}<OPTION> from the environment, several values of a repeatable one "
            "separated by blanks as in a shell. Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."
        ),
        allow_abbrev=False,
        add_help=False,
        argument_default=argparse.SUPPRESS,
    )
    _add_what_to_check(parser.add_argument_group("what to check"))
    _add_registries(parser.add_argument_group("registries"))
    _add_judging(parser.add_argument_group("judging"))
    _add_running(parser.add_argument_group("running"))
    _add_output(parser.add_argument_group("output"))
    return parser


def _add_what_to_check(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    engine = "unix:///PATH, tcp://HOST:PORT or https://HOST:PORT"
    add(
        "-H",
        "--host",
        **_list("hosts", "URL"),
        help=f"engine to ask: {engine} (default: DOCKER_HOST, else the first socket that exists)",
    )
    add("--tls-ca", metavar="FILE", help="CA of an engine on tcp:// (default: ca.pem of DOCKER_CERT_PATH)")
    add("--tls-cert", metavar="FILE", help="client certificate for it (default: cert.pem of DOCKER_CERT_PATH)")
    add("--tls-key", metavar="FILE", help="key of that certificate (default: key.pem of DOCKER_CERT_PATH)")
    add("--demo", action="store_true", help="check an embedded engine and registry; needs nothing")
    add("-a", "--all", dest="all_containers", action="store_true", help="check stopped containers too")
    fields = f"FIELD is one of {', '.join(_FIELDS)}"
    add("--include", **_list("include", "FIELD=GLOB", _selector), help=f"only containers that match; {fields}")
    add(
        "--exclude",
        **_list("exclude", "FIELD=GLOB", _selector),
        help="without those that match; they are counted as excluded",
    )
    checks = f"of {', '.join(CHECKS)}, separated by commas, or all"
    add("--check", dest="checks", metavar="LIST", type=_checks, help=f"{checks} (default: {','.join(DEFAULT_CHECKS)})")


def _add_registries(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--docker-config",
        metavar="DIR",
        help="folder of the config.json with the logins (default: DOCKER_CONFIG, else ~/.docker)",
    )
    add(
        "--insecure-registry",
        **_list("insecure_registries", "HOST[:PORT]", _registry),
        help="may be asked without TLS or with an unverified certificate",
    )
    add(
        "--ca-file",
        **_list("ca_files", "[REGISTRY=]FILE", _ca_file),
        help="CA of a registry, or of every one without its own",
    )
    add("--mirror", **_list("mirrors", "REGISTRY=URL", _mirror), help="a mirror to ask before the registry")


def _add_judging(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "-w",
        "--warning",
        **_list("warning", "[METRIC=]RANGE"),
        help="WARNING outside of it; without METRIC for outdated; an empty RANGE takes a default away",
    )
    add("-c", "--critical", **_list("critical", "[METRIC=]RANGE"), help="CRITICAL outside of it")
    add(
        "--not-checked",
        metavar="STATE",
        type=str.lower,
        choices=_STATES,
        help=f'what "could not be determined" counts as: {", ".join(_STATES)} (default: unknown)',
    )
    add(
        "--min-age", metavar="AGE", type=_age, help="an update younger than this (2d, 12h) is no alarm yet (default: 0)"
    )
    levels = "major (default), minor or patch"
    add(
        "--trust-policy", **_list("trust_policies", "FILE"), help="whom to trust: TOML, policy.json or trustpolicy.json"
    )
    add("--learn", metavar="FILE", help="write today's signers and sources as a trust policy to start from")
    add("--accept", **_list("accept", "IMAGE"), help="a changed signer of this image, or of what matches, is right")
    add("--memory", action="store_true", help="list what is remembered of signers and builders")
    add("--level", metavar="LEVEL", choices=("major", "minor", "patch"), help=f"which newer versions count: {levels}")
    add("--tags", **_list("tags", "[IMAGE=]REGEX", _pattern), help="only tags that match, for images that match")
    add("--not-tags", **_list("not_tags", "[IMAGE=]REGEX", _pattern), help="without tags that match")


def _add_running(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("-t", "--timeout", metavar="SECONDS", type=_seconds(0.1), help="for everything together (default: 30)")
    add("--state-dir", metavar="DIR", help=f"memory and cache (default: $XDG_STATE_HOME/{_NAME}, or /var/lib/{_NAME})")
    add("--cache-ttl", metavar="SECONDS", type=_seconds(0), help="how long an answer is used again (default: 600)")
    add("--no-cache", action="store_true", help="ask the registries for everything again")
    add(
        "--jobs", metavar="N", type=_whole(1, 256), help="parallel requests, of them 8 a registry at most (default: 32)"
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "-o",
        "--output",
        metavar="FORM",
        choices=FORMS,
        help=f"{', '.join(FORMS)} (default: nagios; at a terminal: table)",
    )
    add("--explain", metavar="NAME", type=_name, help="one container, the chain link by link: its name, or its id")
    add("--new-only", action="store_true", help="list only what the last such report did not have")
    add("--service", metavar="NAME", help="whose last report that is; keeps several apart")
    add("-v", "--verbose", action="count", help="all containers; -vv: the settings in force; -vvv: every request")
    add("--no-perfdata", dest="perfdata", action="store_false", help="leave the performance data out")
    add("--max-output", metavar="BYTES", type=_whole(256, 1 << 30), help="cut the text there (default: 4096)")
    add("--color", metavar="WHEN", choices=("auto", "always", "never"), help="auto, always or never (default: auto)")
    add("-V", "--version", action="store_true", help="print the version")
    add("-h", "--help", action="store_true", help="print this")


def _list(field: str, metavar: str, convert: Callable[[str], Any] = str) -> dict[str, Any]:
    return {"dest": field, "metavar": metavar, "type": convert, "action": "append"}


def _name(text: str) -> str:
    if not text.strip("/"):
        raise argparse.ArgumentTypeError("the name of a container is missing")
    return text


def _selector(text: str) -> Selector:
    field, given, glob = text.partition("=")
    if field not in _FIELDS or not given or not glob:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not FIELD=GLOB, where FIELD is {', '.join(_FIELDS)}")
    return Selector(field, glob)


def _checks(text: str) -> tuple[str, ...]:
    wanted = set(CHECKS if text.strip() == "all" else (name.strip() for name in text.split(",")))
    unknown = sorted(wanted - set(CHECKS))
    if unknown:
        raise argparse.ArgumentTypeError(f"no check {unknown[0][:40]!r}; there are {', '.join(CHECKS)}")
    return tuple(check for check in CHECKS if check in wanted)


def _registry(text: str) -> str:
    """A registry's host as image references write it."""
    try:
        registry = reference.parse(f"{text}/repository").registry
    except InvalidReference:
        registry = ""
    if registry not in (text, reference.DOCKER_HUB) or "/" in text:
        raise argparse.ArgumentTypeError(
            f"{text[:80]!r} is no registry as image names have it: HOST.DOMAIN or HOST:PORT"
        )
    return registry


def _ca_file(text: str) -> tuple[str, str]:
    registry, given, path = text.partition("=")
    return (_registry(registry), path) if given and "/" not in registry else ("", text)


def _mirror(text: str) -> tuple[str, str]:
    registry, _, url = text.partition("=")
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        complete = False
    if not complete:
        shown = f"{registry}={without_login(url)}" if url else without_login(text)
        raise argparse.ArgumentTypeError(f"{shown[:80]!r} is not REGISTRY=http[s]://HOST[:PORT]")
    if parts.username is not None:
        raise argparse.ArgumentTypeError("a login does not belong into a mirror's URL: config.json is for it")
    return _registry(registry), url


def _pattern(text: str) -> tuple[str, str]:
    """An image's name has no sign that makes a regular expression one, but for the dot and the star."""
    image, given, regex = text.partition("=")
    return (image, regex) if given and re.fullmatch(r"[a-z0-9][a-z0-9._/:*-]*|\*[a-z0-9._/:*-]*", image) else ("", text)


def _seconds(least: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not least <= seconds <= _MAX_SECONDS:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of seconds from {least:g} on")
        return seconds

    return convert


def _age(text: str) -> float:
    try:
        seconds = duration(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 100 * _MAX_SECONDS:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no age; examples: 12h, 2d, 1w")
    return seconds


def _whole(least: int, most: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        value = int(text) if re.fullmatch("[0-9]{1,12}", text) else -1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from {least} to {most}")
        return value

    return convert
