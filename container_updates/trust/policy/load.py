"""Reads policy files whole, before anything is asked of a registry.

Three formats, recognised by their content: our own TOML (`toml`), containers/image's policy.json (`containers`) and
notation's trustpolicy.json (`notation`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from container_updates.errors import PolicyError
from container_updates.trust.policy.files import MAX_FILE, Files
from container_updates.trust.policy.rules import Policy, Repositories, Rule
from container_updates.trust.policy.scopes import Exactness, overlap
from container_updates.untrusted.json import Invalid, read_object


def load(paths: Sequence[str]) -> Policy:
    """The policy in all `paths` together. Raises `PolicyError`: one line with file and place."""
    policies = [_load_one(Path(path)) for path in paths]
    rules = tuple(rule for policy in policies for rule in policy.rules)
    _check_exactness(rules)
    named = [policy.registries for policy in policies if policy.registries is not None]
    sources = tuple(source for policy in policies for source in policy.sources)
    mirrors = tuple(mirror for policy in policies for mirror in policy.mirrors)
    return Policy(
        rules,
        tuple(name for names in named for name in names) if named else None,
        sources,
        mirrors,
        Repositories(
            tuple(pattern for policy in policies for pattern in policy.repositories.allow),
            tuple(keyring for policy in policies for keyring in policy.repositories.keyrings),
            any(policy.repositories.require_host for policy in policies),
        ),
    )


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
    """Raise for two rules that could both decide on an image and are equally exact: their order shall not matter.

    Patterns can only overlap where the text before the first wildcard of one begins with that of the other. So each is
    held against those that begin as it does, the shorter beginnings first: thousands of names stay thousands of steps.
    """
    scopes = [(scope, rule) for rule in rules for scope in rule.scopes]
    by_beginning: defaultdict[tuple[Exactness, str], list[int]] = defaultdict(list)
    clashes = []
    for position in sorted(range(len(scopes)), key=lambda position: len(scopes[position][0].beginning)):
        scope, beginning = scopes[position][0], scopes[position][0].beginning
        alike = {
            other
            for length in range(len(beginning) + 1)
            for other in by_beginning.get((scope.exactness, beginning[:length]), ())
        }
        clashes += [sorted((position, other)) for other in alike if overlap(scope, scopes[other][0])]
        by_beginning[scope.exactness, beginning].append(position)
    if clashes:
        first, second = min(clashes, key=lambda pair: (pair[1], pair[0]))
        (other, elsewhere), (scope, rule) = scopes[first], scopes[second]
        raise PolicyError(
            f"{rule.place}: images {str(scope)!r} is as exact as {str(other)!r} of {elsewhere.place}; "
            "only one rule can decide"
        )
