"""What is known of where an image was built from, the strongest first: proven by a signature, claimed, or nothing."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from container_updates import repositories
from container_updates.chain import Context
from container_updates.chain.source import labels
from container_updates.errors import Inconclusive, NotFound
from container_updates.model import Subject
from container_updates.reference import DOCKER_HUB
from container_updates.registry.manifests import Descriptor
from container_updates.signing import discovery, provenance
from container_updates.signing.bounded import MAX_SIGNATURES
from container_updates.signing.discovery import Above, Found, Listed
from container_updates.signing.provenance import Material, Provenance
from container_updates.signing.signers import KeylessSigner
from container_updates.signing.verdict import Checked, Expected, Validity
from container_updates.trust.policy.rules import Rule

_LIBRARY = "https://github.com/docker-library/official-images"
_ATTESTATION = "attestation-manifest"
_TYPE, _ABOUT = "vnd.docker.reference.type", "vnd.docker.reference.digest"
_PREDICATE = "in-toto.io/predicate-type"
"""BuildKit's documentation, attestation storage."""
_BUILD_SERVICES = frozenset({"https://token.actions.githubusercontent.com", "https://gitlab.com"})
"""Who vouches, in a keyless certificate, for the repository that a build really ran in."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Where somebody says that an image was built from."""

    evidence: str
    """provenance, buildkit, label or library."""
    words: str
    """Who says so."""
    repository: str | None
    """Its address (`repositories.address`)."""
    revision: str | None = None
    ref: str | None = None
    builder: str | None = None
    built_at: str | None = None
    materials: tuple[Material, ...] = ()
    link: str | None = None
    """A page that shows the blueprint, where that is not the repository at the commit."""

    @property
    def place(self) -> str:
        """Repository and commit, for a person."""
        return f"{self.repository} at {self.revision[:12]}" if self.revision else str(self.repository)

    def plain(self) -> dict[str, str]:
        """As one of the details' claims."""
        members = ("evidence", "repository", "revision", "ref", "builder")
        return {member: value for member in members if (value := getattr(self, member)) is not None}


@dataclass(frozen=True, slots=True)
class Proof:
    """A signed provenance that holds, by somebody who can know."""

    claim: Claim
    checked: Checked
    builders: tuple[str, ...]
    """Who built, as far as it is proven: the certificate's builder and identity, or what a named key says."""

    @property
    def words(self) -> str:
        """Whose word it is."""
        signer = self.checked.signer
        if self.checked.state is Validity.GOOD or signer is None:
            return self.checked.reason
        return f"certified by {signer.issuer}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was found."""

    proofs: tuple[Proof, ...] = ()
    unproven: tuple[tuple[Checked, Claim | None], ...] = ()
    """Signed provenance that proves nothing here, or is wrong, with what it says."""
    claims: tuple[Claim, ...] = ()
    """The strongest first."""
    holds_until: datetime | None = None
    beyond: int = 0
    """How many more attestations there were than are looked at."""

    @property
    def wrong(self) -> tuple[Checked, ...]:
        """Provenance that is not only unproven, but false."""
        return tuple(one for one, _ in self.unproven if one.state is Validity.WRONG)

    def without_inherited(self, ours: Mapping[str, str], of_base: Mapping[str, str]) -> "Evidence":
        """Return it without what labels say only because the base image says it, of itself."""
        own = {name: value for name, value in ours.items() if of_base.get(name) != value}
        if len(own) == len(ours):
            return self
        others = (claim for claim in self.claims if claim.evidence != "label")
        return replace(self, claims=(*others, *_labelled(own)))

    def contradiction(self, proven: Claim | None = None) -> str | None:
        """Return what names another repository or commit than the strongest that is known, in words; None for nothing.

        Whoever signed what nobody here can check may say what he likes: that contradicts nothing.
        """
        known = [claim for claim in self.claims if claim.evidence in ("buildkit", "label")]
        best = proven or next((claim for claim in known if claim.repository), None)
        if best is None:
            return None
        for claim in known:
            if repositories.contradict(best.repository, claim.repository):
                return f"{best.repository} {best.words}, but {claim.repository} {claim.words}"
            if repositories.contradicting_commits(best.revision, claim.revision):
                return f"commit {best.revision} {best.words}, but {claim.revision} {claim.words}"
        return None


@dataclass(slots=True)
class _Gathered:
    proofs: list[Proof] = field(default_factory=list)
    unproven: list[tuple[Checked, Claim | None]] = field(default_factory=list)
    ends: list[datetime] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    unread: Inconclusive | None = None
    beyond: int = 0


def gather(subject: Subject, rule: Rule | None, context: Context) -> Evidence:
    """Return what is known of a subject's source; raises `Inconclusive` where what may be there cannot be read.

    Asked for, on top of what the check for signatures asks: the `.att` tags, what they hold, and BuildKit's
    attestation in the index.
    """
    platform = subject.image.platform or context.details(subject.image).platform
    above = discovery.above(subject, platform, context.registry)
    attestations = [*_buildkit_entries(subject, above)]
    gathered = _Gathered()
    for listed in _listings(subject, above, bool(attestations), rule, context):
        gathered.beyond += listed.beyond + max(0, len(listed.found) - MAX_SIGNATURES)
        gathered.unread = gathered.unread or listed.failed
        _verify(listed.found[:MAX_SIGNATURES], subject, rule, context, gathered)
        if gathered.proofs:
            break
    _buildkit(subject, attestations, rule, context, gathered)
    if gathered.unread is not None and not gathered.proofs:
        raise gathered.unread
    gathered.claims += _labelled(subject.image.labels)
    return Evidence(
        tuple(gathered.proofs),
        tuple(gathered.unproven),
        tuple(gathered.claims if gathered.proofs else with_library(gathered.claims, subject)),
        min(gathered.ends, default=None),
        gathered.beyond,
    )


def _listings(
    subject: Subject, above: Above | None, has_buildkit: bool, rule: Rule | None, context: Context
) -> Iterator[Listed]:
    """What may be provenance of what runs, listing by listing: the next one is asked for where it is wanted."""
    reference = subject.reference
    demanded = rule is not None and _demands_proof(rule)
    elsewhere = rule.elsewhere(reference) if rule else None
    places = discovery.places(subject, above, context.registry)
    for repository in (reference, *([elsewhere] if elsewhere else ())):
        for position, digest in enumerate(places):
            # Who signs a build that BuildKit attested signs the index, by its tag: beside the manifest nobody looks.
            tagged = position == 0 or demanded or not has_buildkit
            yield from discovery.attestations(repository, digest, context.registry, tagged=tagged)


def _demands_proof(rule: Rule) -> bool:
    return bool(rule.provenance == "required" or rule.source or rule.builders)


def _verify(found: Iterable[Found], subject: Subject, rule: Rule | None, context: Context, into: _Gathered) -> None:
    """Add what is signed, or claims to be."""
    for one in found:
        expected = Expected(
            frozenset({one.at}),
            subject.reference,
            context.clock.now(),
            rule.signers if rule else (),
            predicate_types=provenance.PREDICATES,
        )
        try:
            checked = one.verify(expected)
            if checked is None:
                continue
            into.ends += [checked.holds_until] if checked.holds_until else []
            said = provenance.read(checked.statement or {}) or provenance.unproven(one.read(), one.at)
        except NotFound:
            continue  # listed, and its content is not there: nobody says anything
        except Inconclusive as error:
            into.unread = error
            continue
        if said is not None and _proves(checked, rule):
            into.proofs.append(_proof(checked, said))
            continue
        words = f"by a provenance that proves nothing here ({checked.reason})"
        claim = _claim("provenance", words, said) if said is not None else None
        into.unproven.append((checked, claim))
        if claim is not None and checked.state is not Validity.WRONG:
            into.claims.append(claim)


def _proves(checked: Checked, rule: Rule | None) -> bool:
    """Whether a right signature is by somebody who can know what was built.

    Somebody whom the rule names, or, where it names nobody who signs so, a build service: Fulcio's certificate has the
    repository from the service itself, not from who ran the build.
    """
    if checked.state is Validity.GOOD:
        return True
    signer, signers = checked.signer, rule.signers if rule else ()
    if signer is None or checked.statement is None or "source_repository" not in checked.claims:
        return False
    if any(isinstance(one, KeylessSigner) for one in signers) or signer.issuer not in _BUILD_SERVICES:
        return False
    return not signers or (rule is not None and bool(rule.source or rule.builders))


def _proof(checked: Checked, said: Provenance) -> Proof:
    claim, certified = _claim("provenance", "by its signed provenance", said), checked.claims
    builders = tuple(_builders(checked, said))
    proven = replace(
        claim,
        repository=repositories.address(certified.get("source_repository", "")) or claim.repository,
        revision=certified.get("source_digest") or claim.revision,
        ref=certified.get("source_ref") or claim.ref,
        builder=builders[0] if builders else None,
    )
    return Proof(proven, checked, builders)


def _builders(checked: Checked, said: Provenance) -> Iterator[str]:
    """A key that the admin named is believed; what a keyless certificate does not say, its holder may make up."""
    known = [checked.claims.get("builder"), checked.signer.identity if checked.signer else None]
    if not checked.claims:
        known.append(said.builder)
    yield from dict.fromkeys(one for one in known if one)


def _claim(evidence: str, words: str, said: Provenance) -> Claim:
    return Claim(
        evidence,
        words,
        repositories.address(said.repository or ""),
        said.revision,
        said.ref,
        said.builder,
        said.built_at,
        said.materials,
    )


def _buildkit_entries(subject: Subject, above: Above | None) -> Iterator[tuple[str, Descriptor]]:
    """The attestation manifests that BuildKit put into the index for what runs, with what they are about."""
    if above is None:
        return
    about = {above.entry} | subject.image.digests
    for entry in above.index.entries:
        named = entry.annotations.get(_ABOUT, "")
        if entry.annotations.get(_TYPE) == _ATTESTATION and named in about:
            yield named, entry


def _buildkit(
    subject: Subject,
    entries: Iterable[tuple[str, Descriptor]],
    rule: Rule | None,
    context: Context,
    into: _Gathered,
) -> None:
    """Add what BuildKit says of the build: a claim, unless somebody whom the rule names signed what holds it."""
    for about, entry in entries:
        with suppress(NotFound):
            manifest = context.registry.manifest(subject.reference, entry.digest)
            for layer in manifest.layers:
                if (
                    layer.annotations.get(_PREDICATE) in provenance.PREDICATES
                    and layer.size <= provenance.MAX_STATEMENT
                ):
                    body = context.registry.blob(subject.reference, layer.digest, provenance.MAX_STATEMENT)
                    said = provenance.unproven(body, about)
                    if said is None:
                        continue
                    checked = _signed(subject, entry.digest, rule, context, into)
                    if checked is not None:
                        into.proofs.append(_proof(checked, said))
                    else:
                        into.claims.append(_claim("buildkit", "by BuildKit's unsigned provenance", said))
                    return


def _signed(subject: Subject, digest: str, rule: Rule | None, context: Context, into: _Gathered) -> Checked | None:
    """The good signature of an attestation manifest; looked for where proof by a signer is demanded, and missing."""
    if rule is None or not rule.signers or not _demands_proof(rule) or into.proofs:
        return None
    elsewhere = rule.elsewhere(subject.reference)
    expected = Expected(frozenset({digest}), subject.reference, context.clock.now(), rule.signers)
    for repository in (subject.reference, *([elsewhere] if elsewhere else ())):
        for listed in discovery.signatures(repository, [digest], context.registry):
            into.unread = into.unread or listed.failed
            for one in listed.found[:MAX_SIGNATURES]:
                with suppress(Inconclusive):
                    checked = one.verify(expected)
                    if checked is not None and checked.state is Validity.GOOD:
                        into.ends += [checked.holds_until] if checked.holds_until else []
                        return checked
    return None


def _labelled(of_image: Mapping[str, str]) -> Iterator[Claim]:
    source = repositories.address(labels.claimed(of_image, labels.SOURCE) or "")
    revision = labels.claimed(of_image, labels.REVISION)
    if source is not None or repositories.commit(revision) is not None:
        yield Claim("label", "by its label", source, revision)


def with_library(claims: list[Claim], subject: Subject) -> list[Claim]:
    """Return the claims, and where none names a repository, what Docker publishes beside its official images."""
    reference = subject.reference
    official = reference.registry == DOCKER_HUB and reference.repository.startswith("library/")
    if not official or any(claim.repository for claim in claims):
        return claims
    link = f"{_LIBRARY}/blob/master/{reference.repository}"
    return [*claims, Claim("library", "by Docker's published library definition", _LIBRARY, link=link)]
