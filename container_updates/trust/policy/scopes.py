"""Which of several rules is meant for an image: the most exact pattern decides."""

from dataclasses import dataclass

from container_updates.reference import Reference
from container_updates.signing.signers import matches
from container_updates.trust.policy import patterns

Exactness = tuple[int, int, int]
"""Greater is more exact: a name without wildcards before all others, then the letters given, then few wildcards."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A pattern over registry/repository: `*` stays within a part, `**` crosses "/"."""

    glob: str
    tag: str | None = None
    """Only for images of this tag or digest (containers-policy.json(5))."""

    def covers(self, reference: Reference) -> bool:
        """Whether the image's name matches from end to end."""
        if self.tag not in (None, reference.tag, reference.digest):
            return False
        return any(matches(self.glob, name) for name in {reference.name, patterns.name(reference)})

    @property
    def exactness(self) -> Exactness:
        """How exact the pattern is, whatever it is matched against."""
        letters = len(self.glob.replace("*", ""))
        exact = letters == len(self.glob)
        return (2 if self.tag is not None else int(exact)), letters, -self.glob.count("*")

    @property
    def beginning(self) -> str:
        """What stands before the first wildcard: every name that it covers begins so."""
        return self.glob.partition("*")[0]

    @property
    def end(self) -> str:
        """What stands behind the last wildcard: every name that it covers ends so."""
        return self.glob.rpartition("*")[2]

    def __str__(self) -> str:
        return self.glob if self.tag is None else f"{self.glob}:{self.tag}"


def overlap(one: Scope, other: Scope) -> bool:
    """Whether there is a name that both cover."""
    if None not in (one.tag, other.tag) and one.tag != other.tag:
        return False
    if not (one.end.endswith(other.end) or other.end.endswith(one.end)):
        return False
    return _meet(_tokens(one.glob), _tokens(other.glob))


def _tokens(glob: str) -> list[str]:
    """Letters and wildcards, one each."""
    tokens, position = [], 0
    while position < len(glob):
        token = "**" if glob.startswith("**", position) else glob[position]
        tokens.append(token)
        position += len(token)
    return tokens


def _meet(left: list[str], right: list[str]) -> bool:
    """Whether two patterns have a name in common: every pair of positions that can be reached is looked at once."""
    todo, seen = [(0, 0)], {(0, 0)}
    while todo:
        i, j = todo.pop()
        if i == len(left) and j == len(right):
            return True
        a, b = left[i] if i < len(left) else "", right[j] if j < len(right) else ""
        steps = []
        if a[:1] == "*":
            steps.append((i + 1, j))
            if b and not (a == "*" and b == "/"):
                steps.append((i, j + 1))
        if b[:1] == "*":
            steps.append((i, j + 1))
            if a and not (b == "*" and a == "/"):
                steps.append((i + 1, j))
        if a and a == b:
            steps.append((i + 1, j + 1))
        new = [step for step in steps if step not in seen]
        seen.update(new)
        todo += new
    return False
