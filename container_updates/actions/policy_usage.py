"""What the rules of a policy decide here: one that matches nothing may be a slip of the pen."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from container_updates.reference import Reference
from container_updates.trust.policy.rules import Policy


def told(policy: Policy, running: Iterable[Reference]) -> Iterator[str]:
    """Yield a line a policy file: how many containers each rule decides, and which rules match nothing that runs.

    `running` has the reference of every container.
    """
    decided: Counter[str] = Counter()
    without = 0
    for reference in running:
        rule = policy.rule_for(reference)
        if rule is None:
            without += 1
        else:
            decided[rule.place] += 1
    files: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for rule in policy.rules:
        file, _, name = rule.place.partition(": ")
        used, unused = files[file]
        if decided[rule.place]:
            used.append(f"{name} decides {_containers(decided[rule.place])}")
        else:
            unused.append(f"{name} ({', '.join(map(str, rule.scopes))})")
    for file, (used, unused) in files.items():
        parts = [*used, f"nothing that runs matches {'; '.join(unused)}"] if unused else used
        yield f"Policy {file}: {', '.join(parts)}"
    if policy.rules and without:
        yield f"Policy: no rule decides {_containers(without)}"


def _containers(number: int) -> str:
    return f"{number} container{'' if number == 1 else 's'}"
