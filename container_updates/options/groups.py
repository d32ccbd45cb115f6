"""The options, group by group, as --help shows them."""

import argparse
from collections.abc import Callable
from typing import Any

from container_updates.chain import CHECKS, DEFAULT_CHECKS
from container_updates.options.values import (
    FIELDS,
    age,
    ca_file,
    checks,
    engine,
    inventory,
    mirror,
    name,
    namespace,
    pattern,
    proxy,
    registry_host,
    seconds,
    selector,
    whole,
)
from container_updates.report import FORMS

_NAME = "check_container_updates"
_STATES = ("ok", "warning", "critical", "unknown")


def add_all(parser: argparse.ArgumentParser) -> None:
    """Add every group of options to the parser."""
    _add_what_to_check(parser.add_argument_group("what to check"))
    _add_registries(parser.add_argument_group("registries"))
    _add_judging(parser.add_argument_group("judging"))
    _add_running(parser.add_argument_group("running"))
    _add_output(parser.add_argument_group("output"))


def _add_what_to_check(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    urls = "unix:///PATH, tcp://HOST:PORT, https://HOST:PORT or ssh://[USER@]HOST[:PORT][/SOCKET]"
    add(
        "-H",
        "--host",
        **_list("hosts", "[ALIAS=]URL", engine),
        help=f"engine to ask: {urls}; ALIAS stands in its containers' names "
        "(default: DOCKER_HOST, else the first socket that exists)",
    )
    add("--context", metavar="NAME", help="docker context to ask (default: DOCKER_CONTEXT, else the current one)")
    kinds = "engine (its containers: the default), swarm (the services of the manager at --host), kubernetes[:CONTEXT]"
    add("--inventory", **_list("inventories", "KIND", inventory), help=f"what runs: {kinds}; repeatable")
    add("--kubeconfig", **_list("kubeconfig", "FILE"), help="for kubernetes (default: KUBECONFIG, else ~/.kube/config)")
    add("--namespace", **_list("namespaces", "NAME", namespace), help="of kubernetes; repeatable (default: all)")
    add("--selector", metavar="LABELS", help="only pods with these labels, as kubectl -l takes them")
    add("--tls-ca", metavar="FILE", help="CA of an engine on tcp:// (default: ca.pem of DOCKER_CERT_PATH)")
    add("--tls-cert", metavar="FILE", help="client certificate for it (default: cert.pem of DOCKER_CERT_PATH)")
    add("--tls-key", metavar="FILE", help="key of that certificate (default: key.pem of DOCKER_CERT_PATH)")
    add("--demo", action="store_true", help="check an embedded engine and registry; needs nothing")
    add("-a", "--all", dest="all_containers", action="store_true", help="check stopped containers too")
    fields = f"FIELD is one of {', '.join(FIELDS)}"
    add("--include", **_list("include", "FIELD=GLOB", selector), help=f"only containers that match; {fields}")
    add(
        "--exclude",
        **_list("exclude", "FIELD=GLOB", selector),
        help="without those that match; they are counted as excluded",
    )
    known = f"of {', '.join(CHECKS)}, separated by commas, or all"
    add("--check", dest="checks", metavar="LIST", type=checks, help=f"{known} (default: {','.join(DEFAULT_CHECKS)})")


def _add_registries(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--docker-config",
        metavar="DIR",
        help="folder of the config.json with the logins (default: DOCKER_CONFIG, else ~/.docker)",
    )
    add(
        "--insecure-registry",
        **_list("insecure_registries", "HOST[:PORT]", registry_host),
        help="may be asked without TLS or with an unverified certificate",
    )
    add(
        "--ca-file",
        **_list("ca_files", "[REGISTRY=]FILE", ca_file),
        help="CA of a registry, or of every one without its own",
    )
    add("--mirror", **_list("mirrors", "REGISTRY=URL", mirror), help="a mirror to ask before the registry")
    add(
        "--proxy",
        metavar="URL",
        type=proxy,
        help="for the registries (default: HTTP_PROXY and HTTPS_PROXY, else the engine's own); NO_PROXY as ever",
    )


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
    add("--min-age", metavar="AGE", type=age, help="an update younger than this (2d, 12h) is no alarm yet (default: 0)")
    levels = "major (default), minor or patch"
    add(
        "--trust-policy", **_list("trust_policies", "FILE"), help="whom to trust: TOML, policy.json or trustpolicy.json"
    )
    add("--learn", metavar="FILE", help="write today's signers and sources as a trust policy to start from")
    add("--accept", **_list("accept", "IMAGE"), help="a changed signer of this image, or of what matches, is right")
    add("--hold", **_list("hold", "IMAGE"), help="the update that waits now is not wanted: held until the next one")
    add("--unhold", **_list("unhold", "IMAGE"), help="no update of this image, or of what matches, is held any longer")
    add("--memory", action="store_true", help="list what is remembered of signers, builders and holds")
    add("--check-policy", metavar="FILE", help="say what each rule of a trust policy means, and make no check")
    add("--image", metavar="REF", help="with --check-policy: what it decides for this image")
    add("--level", metavar="LEVEL", choices=("major", "minor", "patch"), help=f"which newer versions count: {levels}")
    add("--tags", **_list("tags", "[IMAGE=]REGEX", pattern), help="only tags that match, for images that match")
    add("--not-tags", **_list("not_tags", "[IMAGE=]REGEX", pattern), help="without tags that match")


def _add_running(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("-t", "--timeout", metavar="SECONDS", type=seconds(0.1), help="for everything together (default: 30)")
    add("--state-dir", metavar="DIR", help=f"memory and cache (default: $XDG_STATE_HOME/{_NAME}, or /var/lib/{_NAME})")
    add("--cache-ttl", metavar="SECONDS", type=seconds(0), help="how long an answer is used again (default: 600)")
    add("--no-cache", action="store_true", help="ask the registries for everything again")
    add("--jobs", metavar="N", type=whole(1, 256), help="parallel requests, of them 8 a registry at most (default: 32)")


def _add_output(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "-o",
        "--output",
        metavar="FORM",
        choices=FORMS,
        help=f"{', '.join(FORMS)} (default: nagios; at a terminal: table)",
    )
    add("--output-file", metavar="FILE", help="write the report there, whole and renamed into place")
    add("-q", "--quiet", action="store_true", help="print nothing where there is nothing to tell (for cron's mail)")
    add("--explain", metavar="NAME", type=name, help="one container, the chain link by link: its name, or its id")
    add("--changes", action="store_true", help="what an update changes, package by package, where there is an SBOM")
    add("--new-only", action="store_true", help="list only what the last such report did not have")
    add("--service", metavar="NAME", help="whose last report that is; keeps several apart")
    add("-v", "--verbose", action="count", help="all containers; -vv: the settings in force; -vvv: every request")
    add("--no-perfdata", dest="perfdata", action="store_false", help="leave the performance data out")
    add("--max-output", metavar="BYTES", type=whole(256, 1 << 30), help="cut the text there (default: 4096)")
    add("--color", metavar="WHEN", choices=("auto", "always", "never"), help="auto, always or never (default: auto)")
    add("-V", "--version", action="store_true", help="print the version")
    add("-h", "--help", action="store_true", help="print this")


def _list(field: str, metavar: str, convert: Callable[[str], Any] = str) -> dict[str, Any]:
    return {"dest": field, "metavar": metavar, "type": convert, "action": "append"}
