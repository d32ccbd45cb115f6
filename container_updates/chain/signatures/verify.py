"""From what lies beside an image to what it is worth: gather, verify, decide."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from container_updates.chain import Context
from container_updates.chain.findings_cache import Made
from container_updates.errors import Inconclusive, NotFound, Unresolvable
from container_updates.model import Finding, Subject, Verdict
from container_updates.signing import discovery
from container_updates.signing.bounded import MAX_SIGNATURES
from container_updates.signing.content_trust import questions
from container_updates.signing.content_trust.questions import Question
from container_updates.signing.signers import KeySigner
from container_updates.signing.verdict import Checked, Expected, Validity
from container_updates.trust.decision import decide
from container_updates.trust.policy.rules import Rule


def verdict(subject: Subject, rule: Rule | None, keys: Mapping[bytes, str], context: Context) -> Made:
    """Return the finding, and from when on it may be another one; raises `Inconclusive` where nothing can be said.

    What is found is verified before the next listing is asked for: one good signature is enough.
    """
    verified = _Verified()
    for listed in _gather(subject, rule, context):
        _verify(listed, subject, rule, keys, context, verified)
        if verified.is_enough(rule):
            break
    finding = decide(rule, verified.checked, beyond=verified.beyond)
    if verified.unread is not None and finding.verdict is not Verdict.PASS:
        # What could not be read may be the signature that is looked for.
        raise verified.unread
    finding = _with_others(finding, verified.others)
    return Made([finding], min((one.holds_until for one in verified.checked if one.holds_until), default=None))


@dataclass(frozen=True, slots=True)
class _Listed:
    """What one listing has, and what it has to be about."""

    asked: Sequence[tuple[frozenset[str], Question]] = ()
    """With the digests that the answer has to name one of."""
    beyond: int = 0
    failed: Inconclusive | None = None
    attached: bool = False
    """Whether they are attachments of the image; trust data is not."""


@dataclass(slots=True)
class _Verified:
    checked: list[Checked] = field(default_factory=list)
    beyond: int = 0
    """How many more there were than are looked at."""
    others: int = 0
    """Attachments that sign something else: an SBOM, or another kind of statement."""
    unread: Inconclusive | None = None
    """Why one of them, or one of the listings, could not be read."""

    def is_enough(self, rule: Rule | None) -> bool:
        """Whether those that are good are all that the rule asks for."""
        good = any(one.state is Validity.GOOD for one in self.checked)
        return good and decide(rule, self.checked).verdict is Verdict.PASS


def _gather(subject: Subject, rule: Rule | None, context: Context) -> Iterator[_Listed]:
    """All that may be a signature of what runs, listing by listing."""
    if not subject.image.digests:
        raise Unresolvable("the engine knows no digest of its image")
    registry, reference = context.registry, subject.reference
    try:
        platform = subject.image.platform or context.details(subject.image).platform
        places = discovery.places(subject, discovery.above(subject, platform, registry), registry)
    except Unresolvable:
        raise
    except Inconclusive as error:
        # What the engine knows by its digest may be signed all the same.
        yield _Listed(failed=error)
        places = sorted(subject.own_digests or subject.image.digests)
    # Trust data may name anything that runs, what is beside a manifest only that.
    digests = subject.image.digests | {*places}
    for ask in questions.questions(reference, rule.signers if rule else (), registry, context.store):
        yield _Listed([(digests, ask)])
    for place in (reference, *([elsewhere] if rule and (elsewhere := rule.elsewhere(reference)) else ())):
        for listed in discovery.signatures(place, places, registry):
            asked = [(frozenset({one.at}), one.verify) for one in listed.found]
            yield _Listed(asked, listed.beyond, listed.failed, attached=True)


def _verify(
    listed: _Listed,
    subject: Subject,
    rule: Rule | None,
    keys: Mapping[bytes, str],
    context: Context,
    verified: _Verified,
) -> None:
    """Add what the signatures of a listing are worth."""
    signers = rule.signers if rule else ()
    known = tuple(KeySigner(name, key) for key, name in keys.items())
    room = max(0, MAX_SIGNATURES - len(verified.checked))
    verified.beyond += listed.beyond + max(0, len(listed.asked) - room)
    verified.unread = verified.unread or listed.failed
    for digests, verify in listed.asked[:room]:
        expected = Expected(digests, subject.reference, context.clock.now(), signers, known_keys=known)
        try:
            checked = verify(expected)
        except NotFound:
            checked = Checked(
                "cosign", Validity.UNKNOWN, "the registry lists a signature and does not have its content"
            )
        except Inconclusive as error:
            verified.unread = error
            continue
        if checked is not None:
            verified.checked.append(checked)
        elif listed.attached:
            verified.others += 1


def _with_others(finding: Finding, others: int) -> Finding:
    """The finding with how many attachments were ignored, as they are no signatures of the image."""
    if not others:
        return finding
    message = finding.message
    if finding.code == "unsigned":
        message += f", though {others} attached {'bundle signs' if others == 1 else 'bundles sign'} something else"
    return replace(finding, message=message, details={**finding.details, "signing_something_else": others})
