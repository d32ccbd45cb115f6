"""Argv and environment become Settings; the only place that knows argparse."""

import argparse
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from container_updates import __version__
from container_updates.chain import CHECKS, DEFAULT_CHECKS
from container_updates.errors import UsageError
from container_updates.options import defaults
from container_updates.options.groups import add_all
from container_updates.options.values import whole
from container_updates.settings import Selector, Settings
from container_updates.untrusted import files
from container_updates.untrusted.urls import without_login, without_logins

_NAME = "check_container_updates"
_PREFIX = "CHECK_CONTAINER_UPDATES_"
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_TLS = ("tls_ca", "tls_cert", "tls_key")
_CONTRADICTIONS = {
    ("demo", "hosts"): "--demo and --host",
    ("context", "hosts"): "--context and --host",
    ("context", "demo"): "--context and --demo",
    ("no_cache", "cache_ttl"): "--no-cache and --cache-ttl",
    ("explain", "include"): "--explain and --include",
    ("explain", "new_only"): "--explain and --new-only",
    ("explain", "service"): "--explain and --service",
    ("explain", "learn"): "--explain and --learn",
    ("quiet", "output_file"): "--quiet and --output-file",
}
_EXPLAINED = {"output": "explain", "include": (), "all_containers": True, "new_only": False, "service": ""}
"""What is in force where one container is to be explained, whatever the environment says: it may be a stopped one."""
_ALONE = {
    "accept": {"state_dir"},
    "hold": {"state_dir"},
    "unhold": {"state_dir"},
    "memory": {"state_dir", "output"},
    "check_policy": {"image"},
}
"""Options that stand for something else than a check, and what goes with them."""
_LEARNT = ("signatures", "source")
"""Checks that --learn cannot do without."""

Values = dict[str, Any]
"""Field of `Settings` to its value."""
Origins = dict[str, str]
"""Field of `Settings` to where its value came from; a field that is missing has its default."""


def parse(argv: Sequence[str], environ: Mapping[str, str], *, terminal: bool) -> Settings | str:
    """Return the settings, or the text that --help or --version want printed; raises `UsageError`.

    `terminal`: whether a person reads the output, who gets a table.
    """
    _refuse_bytes(argv, environ)
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
    if "hosts" in values:
        values["hosts"], values["aliases"] = _engines(values["hosts"])
    tls_given = any(field in origins for field in _TLS)
    for field, value, origin in defaults.of(
        environ,
        values.get("hosts"),
        terminal=terminal,
        context=values.pop("context", ""),
        docker_config=values.get("docker_config"),
    ):
        if field not in values and not (tls_given and field.startswith("tls_")):
            values[field], origins[field] = value, origin
    origins.pop("context", None)  # it is where the engine's URL comes from
    if values.get("explain"):
        _explain(values, origins)
    settings = Settings(**_shaped(values))
    _refuse_halves(settings, tls_given)
    return replace(settings, origins=tuple(_origins(parser, settings, origins)))


def _engines(given: Sequence[tuple[str, str]]) -> tuple[list[str], dict[str, str]]:
    """Return the engines' URLs, and the alias of each that has one."""
    aliases = {url: alias for alias, url in given if alias}
    _unique("--host", [(alias, without_login(url)) for alias, url in given if alias])
    return [url for _, url in given], aliases


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
            raise UsageError(f"--{field.replace('_', '-')} and {others[0]} contradict each other")
    for fields, options in _CONTRADICTIONS.items():
        if given.keys() >= {*fields}:
            raise UsageError(f"{options} contradict each other")
    if "explain" in given and given.get("output", "json") != "json":
        raise UsageError("--explain has a form of its own: of --output only json goes with it")


def _refuse_bytes(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Refuse what is not UTF-8, in whatever it could end: an output, a database, a request."""
    named = {f"{name} of the environment": value for name, value in environ.items() if name.startswith(_PREFIX)}
    named |= {f"{name} of the environment": environ.get(name, "") for name in defaults.READ}
    for where, text in [*(("the command line", one) for one in argv), *named.items()]:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{where} has bytes that are not UTF-8: {text[:80]!a}") from None


def _refuse_halves(settings: Settings, tls_given: bool) -> None:
    if settings.tags or settings.not_tags:
        from container_updates.chain.versions import tag_filter  # it needs RE2, which most runs do not

        tag_filter.refuse(settings)
    if settings.trust_policies and not {"signatures", "source", "packages"} & {*settings.checks}:
        raise UsageError("--trust-policy is for --check signatures, source or packages")
    if settings.image and not settings.check_policy:
        raise UsageError("--image is for --check-policy")
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
                files.check(path)
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
        return [option] * whole(0, 3)(text)
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
    add_all(parser)
    return parser
