"""Reads policy files whole, before anything is asked of a registry.

Three formats, recognised by their content: our own TOML (`toml`), containers/image's policy.json (`containers`) and
notation's trustpolicy.json (`notation`).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from container_updates.errors import PolicyError
from container_updates.trust.policy.files import MAX_FILE, Files
from container_updates.trust.policy.rules import Policy, Rule
from container_updates.trust.policy.scopes import Scope, overlap
from container_updates.untrusted.json import Invalid, read_object


def load(paths: Sequence[str]) -> Policy:
    """The policy in all `paths` together. Raises `PolicyError`: one line with file and place."""
    policies = [_load_one(Path(path)) for path in paths]
    rules = tuple(rule for policy in policies for rule in policy.rules)
    _check_exactness(rules)
    named = [policy.registries for policy in policies if policy.registries is not None]
    sources = tuple(source for policy in policies for source in policy.sources)
    mirrors = tuple(mirror for policy in policies for mirror in policy.mirrors)
    return Policy(rules, tuple(name for names in named for name in names) if named else None, sources, mirrors)


def _load_one(path: Path) -> Policy:
    from container_updates.trust.policy import containers, notation, toml

    files = Files(path)
    try:
        text = files.read(path, str(path)).decode()
    except UnicodeDecodeError:
        raise PolicyError(f"{path}: not UTF-8") from None
    if not text.lstrip().startswith("{"):
        return toml.parse(text, files)
    try:
        content = read_object(text, limit=MAX_FILE)
    except Invalid as error:
        raise PolicyError(f"{path} {error}{f': {error.detail}' if error.detail else ''}") from None
    if "trustPolicies" in content:
        return notation.parse(content, files)
    if "default" in content:
        return containers.parse(content, files)
    raise PolicyError(f"{path}: neither a policy.json (no 'default') nor a trustpolicy.json (no 'trustPolicies')")


def _check_exactness(rules: Iterable[Rule]) -> None:
    """Two rules that could both decide on an image and are equally exact: the order in a file shall not matter."""
    scopes = [(scope, rule) for rule in rules for scope in rule.scopes]
    by_exactness: dict[tuple[int, int, int], list[tuple[Scope, Rule]]] = {}
    for scope, rule in scopes:
        for other, elsewhere in by_exactness.setdefault(scope.exactness, []):
            if overlap(scope, other):
                raise PolicyError(
                    f"{rule.place}: images {str(scope)!r} is as exact as {str(other)!r} of {elsewhere.place}; "
                    "only one rule can decide"
                )
        by_exactness[scope.exactness].append((scope, rule))
