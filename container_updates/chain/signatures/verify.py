"""From what lies beside an image to what it is worth: gather, verify, decide."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from container_updates.chain import Context
from container_updates.chain.findings_cache import Made
from container_updates.errors import Inconclusive, NotFound, Unresolvable
from container_updates.model import Subject, Verdict
from container_updates.signing import discovery
from container_updates.signing.content_trust import questions
from container_updates.signing.content_trust.questions import Question
from container_updates.signing.signers import KeySigner
from container_updates.signing.verdict import Checked, Expected, State
from container_updates.trust.decision import decide
from container_updates.trust.policy.rules import Rule


def verdict(subject: Subject, rule: Rule | None, keys: Mapping[bytes, str], context: Context) -> Made:
    """Return the finding, and from when on it may be another one; raises `Inconclusive` where nothing can be said."""
    gathered = _gather(subject, rule, context)
    verified = _verify(gathered.questions, subject, rule, keys, context)
    finding = decide(rule, verified.checked, beyond=gathered.beyond)
    if verified.unread is not None and finding.verdict is not Verdict.PASS:
        # What could not be read may be the signature that is looked for.
        raise verified.unread
    ends = [one.holds_until for one in verified.checked if one.holds_until]
    ends += [context.clock.now()] if verified.unread else []
    return Made([finding], min(ends, default=None))


@dataclass(frozen=True, slots=True)
class _Gathered:
    """All that may be a signature of what runs."""

    questions: Iterable[tuple[frozenset[str], Question]]
    """With the digests that the answer has to name one of."""
    beyond: int
    """How many more there were than are looked at."""


@dataclass(slots=True)
class _Verified:
    checked: list[Checked] = field(default_factory=list)
    unread: Inconclusive | None = None
    """Why one of them could not be read."""


def _gather(subject: Subject, rule: Rule | None, context: Context) -> _Gathered:
    if not subject.image.digests:
        raise Unresolvable("the engine knows no digest of its image")
    platform = subject.image.platform or context.details(subject.image).platform
    above = discovery.above(subject, platform, context.registry)
    places = discovery.places(subject, above, context.registry)
    digests = subject.image.digests | {*places}
    found = discovery.discover(subject, places, context.registry)
    signers = rule.signers if rule else ()

    def questioned() -> Iterator[tuple[frozenset[str], Question]]:
        # Trust data may name anything that runs, what is beside a manifest only that.
        for ask in questions.questions(subject.reference, signers, context.registry, context.store):
            yield digests, ask
        for one in found.signatures:
            yield frozenset({one.at}), one.verify

    return _Gathered(questioned(), found.beyond)


def _verify(
    asked: Iterable[tuple[frozenset[str], Question]],
    subject: Subject,
    rule: Rule | None,
    keys: Mapping[bytes, str],
    context: Context,
) -> _Verified:
    verified = _Verified()
    signers = rule.signers if rule else ()
    known = tuple(KeySigner(name, key) for key, name in keys.items())
    for digests, verify in asked:
        expected = Expected(digests, subject.reference, context.clock.now(), signers, known_keys=known)
        try:
            checked = verify(expected)
        except NotFound:
            checked = Checked("cosign", State.UNKNOWN, "the registry lists a signature and does not have its content")
        except Inconclusive as error:
            verified.unread = error
            continue
        if checked is not None:
            verified.checked.append(checked)
    return verified
