"""The page of `--explain`: told as a person would, whole digests, nothing that was not found, safe to show."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from container_updates.chain import CHECKS, DEFAULT_CHECKS
from container_updates.model import Finding, Image, Outcome, Platform, Problem, RequestRecord, State
from container_updates.report import json as as_json
from container_updates.report.explain import LINKS, render
from container_updates.settings import Settings
from tests.support.paths import ROOT
from tests.support.report_cases import (
    DAY,
    DIGEST,
    ENGINE,
    EVERY_CHECK,
    HOSTILE,
    NOW,
    VERDICTS,
    container,
    finding,
    infested,
    outcome,
)

PLAIN = Settings(checks=EVERY_CHECK, output="explain", explain="web", color="never")
PUBLISHED = "sha256:" + "0a" * 32
FINGERPRINT = "sha256:" + "1b" * 32
REGISTRY = "https://registry.example.com/v2/acme/web"
GOOD_KEY = {
    "format": "cosign",
    "state": "good",
    "reason": "signed by acme.pub",
    "signer": {"kind": "key", "name": "acme.pub", "fingerprint": FINGERPRINT},
    "digest": DIGEST,
    "signed_at": "2026-11-20T08:30:00Z",
    "log_index": 4711,
}
DEMANDED = {
    "images": ["registry.example.com/acme/**"],
    "signatures": "required",
    "signers": [
        [{"kind": "key", "name": "acme.pub"}, {"kind": "keyless", "name": "https://github.com/acme/* (issuer)"}],
        [{"kind": "notation", "name": "acme-ca.crt", "identities": ["x509.subject: O=Acme"]}],
    ],
    "provenance": "required",
    "source": ["https://github.com/acme/*"],
}


def judged(*findings: Finding, settings: Settings = PLAIN, requests: Any = (), **changes: Any) -> Outcome:
    """One container with these findings; `changes` are of the container."""
    one, found = container("web", *findings)
    return outcome([(replace(one, **changes), found)], settings, requests=requests)


def page(found: Outcome, settings: Settings = PLAIN, width: int = 80) -> str:
    return render(found, settings, width=width)


def words(found: Outcome, settings: Settings = PLAIN) -> str:
    """The page as one line, to look for sentences that are folded."""
    return " ".join(page(found, settings).split())


def section(text: str, title: str) -> list[str]:
    """The lines below a heading."""
    found = re.search(rf"^{title}.*\n((?:  .*\n)*)", text, re.MULTILINE)
    assert found, f"{title!r} is not in\n{text}"
    return [line[2:] for line in found[1].splitlines()]


# -- what runs -----------------------------------------------------------------------------------------------------


def test_the_first_line_is_the_verdict_worst_first() -> None:
    found = judged(
        finding("outdated"), finding("invalid-signature", "signatures"), finding("running-current", "restarts")
    )
    assert page(found).splitlines()[0] == "CRITICAL - web: invalid signature, outdated"


def test_the_first_line_where_nothing_is_wrong() -> None:
    found = judged(finding("up-to-date"), finding("running-current", "restarts"), finding("signed", "signatures"))
    assert page(found).splitlines()[0] == "OK - web: up to date, signed"


def test_what_runs_with_whole_digests_and_dates() -> None:
    image = Image(
        ENGINE,
        "sha256:" + "c0" * 32,
        frozenset({DIGEST}),
        True,
        platform=Platform("linux", "arm64", "v8"),
        created=int(NOW.timestamp()) - 40 * DAY,
        labels={"org.opencontainers.image.version": "1.27.3"},
    )
    one, _ = container("web")
    assert one.subject
    found = judged(
        subject=replace(one.subject, image=image),
        created=int(NOW.timestamp()) - 3 * DAY,
        status="Up 3 days (healthy)",
        service="front",
        project="shop",
    )
    assert section(page(found, width=100), "What runs") == [
        "docker.io/library/nginx:1.27 for linux/arm64/v8",
        "Its digest",
        f"  {DIGEST}",
        "Its image id (the digest of its config)",
        f"  {image.id}",
        "The image says of itself: built on 2026-10-14 (40d ago), version 1.27.3.",
        "Container 4f4f4f4f4f4f, made on 2026-11-20 (3d ago); the engine says: Up 3 days (healthy).",
        f"Engine {ENGINE}, service front of project shop.",
    ]


@pytest.mark.parametrize("created", [None, 0, -62135596800, 10**18, -(10**18)])
def test_a_date_that_cannot_be_one_is_not_told(created: int | None) -> None:
    assert "made on" not in page(judged(created=created))


def test_watchtower_s_labels_are_told() -> None:
    found = judged(labels={"com.centurylinklabs.watchtower.monitor-only": "true"})
    assert "Watchtower leaves it alone, by its label." in page(found)


def test_an_excluded_container_says_by_what() -> None:
    found = judged(finding("excluded"), subject=None, excluded="label wud.watch=false")
    text = page(found)
    assert text.startswith("OK - web: excluded\n")
    assert section(text, "Excluded") == ["By label wud.watch=false: no link of the chain is looked at."]
    assert "Published" not in text
    assert "Not looked at" not in text


# -- the links of the chain ----------------------------------------------------------------------------------------


def test_every_check_has_its_heading_in_the_order_of_the_chain() -> None:
    assert tuple(LINKS) == CHECKS


def test_outdated_says_since_when_by_whom_what_changes_and_what_to_do() -> None:
    change = {
        "version": {"old": "1.27.3", "new": "1.27.4"},
        "link": "https://github.com/nginx/nginx/compare/release-1.27.3...release-1.27.4",
    }
    details = {"published_digest": PUBLISHED, "since": "2026-11-11T20:15:00Z", "since_from": "registry"}
    text = page(judged(finding("outdated", age=12 * DAY, change=change, **details)))
    assert "\nPublished: outdated (WARNING)\n" in text
    assert section(text, "Published") == [
        "The registry publishes another image since 2026-11-11 20:15 UTC (12d ago, as",
        "the registry dates it):",
        f"  {PUBLISHED}",
        "What changes: version 1.27.3 → 1.27.4.",
        f"  {change['link']}",
    ]
    assert section(text, "What to do") == ["docker pull nginx:1.27, then remove web and run it again as it was started"]


def test_up_to_date_by_the_same_digest_and_by_the_same_image_of_another_index() -> None:
    assert "publishes what runs, by that very digest." in page(judged(finding("up-to-date", published_digest=DIGEST)))
    other = words(judged(finding("up-to-date", published_digest=PUBLISHED)))
    assert f"the tag names another index today, the image for linux/amd64 is the same: {PUBLISHED}" in other


def test_pulled_and_not_restarted_is_not_called_current() -> None:
    pending = finding("restart-pending", "restarts", since="2026-11-21T10:00:00Z", age=2 * DAY, since_from="engine")
    text = words(judged(finding("up-to-date", published_digest=PUBLISHED, pulled=True), pending))
    assert "publishes what the engine has pulled since; what runs is an older image" in text
    assert "publishes what runs" not in text
    assert "newer image under the tag since 2026-11-21 10:00 UTC (2d ago, as the engine says)" in text


def test_what_is_not_known_says_why_and_when_it_is_asked_again() -> None:
    details = {"reason": "registry.example.com refuses connections", "status": 429, "retry_at": "2026-11-23T21:15:00Z"}
    text = page(judged(finding("rate-limited", **details)))
    assert section(text, "Published") == [
        "Not known: registry.example.com refuses connections.",
        "The answer was HTTP 429.",
        "It is asked again from 2026-11-23 21:15 UTC on.",
    ]


def test_a_newer_version_with_what_lies_between_and_what_a_moving_tag_really_is() -> None:
    link = "https://github.com/nginx/nginx/releases/tag/release-1.29.1"
    newer = {"newest": "1.29", "step": "minor", "candidates": ["1.29", "1.28"], "version": "1.27.3"}
    text = page(judged(finding("newer-version", "versions", **newer, change={"link": link})))
    assert section(text, "Newer versions") == [
        "There is 1.29, a minor step.",
        "And between it and what runs: 1.28.",
        "What runs is really 1.27.3.",
        f"  {link}",
    ]
    assert "What runs is really 1.27.3." in page(judged(finding("newest", "versions", version="1.27.3")))
    assert "What runs is really 1.27.3." in page(judged(finding("not-a-version", "versions", version="1.27.3")))


def test_a_newer_version_of_the_own_line_and_a_line_that_has_ended() -> None:
    newer = {"newest": "18.1", "newest_in_line": "15.14", "line_since": "2025-01-10T00:00:00Z", "step": "major"}
    ended = "Its version line has had no build since 2025-01-10, while others go on."
    text = page(judged(finding("newer-version", "versions", **newer)))
    assert section(text, "Newer versions") == [
        "There is 18.1, a major step.",
        "The newest of its own line is 15.14.",
        ended,
    ]
    assert ended in page(judged(finding("newest", "versions", line_since="2025-01-10T00:00:00Z")))


def test_a_mirror_that_answered_is_named() -> None:
    found = judged(finding("up-to-date", published_digest=DIGEST, mirror="https://mirror.example.com"))
    assert "A mirror said so: https://mirror.example.com." in page(found)


def test_who_signed_and_how_far_that_was_checked() -> None:
    text = page(judged(finding("signed", "signatures", signatures=[GOOD_KEY])))
    assert section(text, "Signed") == [
        "A cosign signature, which is right: signed by acme.pub.",
        "Signed by",
        "  acme.pub",
        "  by the key",
        f"  {FINGERPRINT}",
        "It signs",
        f"  {DIGEST}",
        "It was made at 2026-11-20 08:30 UTC.",
        "It stands in the transparency log, as entry 4711.",
    ]


def test_a_signature_that_is_wrong_says_why() -> None:
    wrong = {"format": "notation", "state": "wrong", "reason": "the signature expired"}
    text = page(judged(finding("invalid-signature", "signatures", signatures=[wrong])))
    assert "\nSigned: invalid-signature (CRITICAL)\n" in text
    assert section(text, "Signed") == ["A notation signature, which is wrong: the signature expired."]


def test_who_is_new_is_said_as_that() -> None:
    first = finding("signed", "signatures", signatures=[GOOD_KEY], first_seen=True)
    assert "It was first seen in this run, which is no alarm." in words(judged(first))
    message = "docker.io/library/nginx:1.27 not signed, accepted by rule 1, first seen"
    once = words(judged(finding("accepted", "signatures", message, first_seen=True)))
    assert "Not signed, accepted by rule 1. It was first seen in this run" in once
    joined = finding("signed", "signatures", signatures=[GOOD_KEY], joined=[{"kind": "key", "name": "new.pub"}])
    assert "New beside who it was before: new.pub" in words(judged(joined))


def test_what_one_link_finds_for_another_is_not_lost() -> None:
    settings = replace(PLAIN, checks=("source",))
    changed = finding("signer-changed", "signatures", role="builder", before=[{"kind": "none"}], now=[])
    assert "\nSigned: signer-changed (CRITICAL)\n" in page(judged(changed, settings=settings), settings)


def test_a_changed_signer_names_both() -> None:
    before = {"kind": "keyless", "identity": "https://github.com/acme/release", "issuer": "https://token.example.com"}
    now = [GOOD_KEY["signer"], {"kind": "key", "fingerprint": FINGERPRINT}]
    text = words(judged(finding("signer-changed", "signatures", before=[before], now=now)))
    assert "It was signed by https://github.com/acme/release as https://token.example.com vouches and is" in text
    assert f"and is now signed by acme.pub by the key {FINGERPRINT} and the key {FINGERPRINT} If" in text
    assert "--accept" in text
    besides = finding("signer-changed", "signatures", before=[before], now=now, signatures=[GOOD_KEY])
    assert "A cosign signature, which is right: signed by acme.pub." in words(judged(besides))
    gone = finding("signer-changed", "signatures", role="builder", before=[{"kind": "unknown"}], now=[{"kind": "none"}])
    assert "It was built by somebody whom nobody here knows and is now built by nobody" in words(judged(gone))


SOURCE = {
    "repository": "https://github.com/acme/app",
    "revision": "4f" * 20,
    "ref": "refs/tags/v1.2.3",
    "link": f"https://github.com/acme/app/tree/{'4f' * 20}",
    "evidence": "provenance",
}
LABEL = {"evidence": "label", "repository": "https://github.com/evil/app"}
BASE = {"name": "docker.io/library/alpine:3.20", "digest": DIGEST, "proven": True}


def told_source(*findings: Finding) -> list[str]:
    return section(page(judged(*findings), width=100), LINKS.get("source", "source"))


def test_a_proven_source_says_what_by_whom_and_where_to_look() -> None:
    workflow = "https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.2.3"
    signer = {"kind": "keyless", "identity": workflow, "issuer": "https://token.actions.githubusercontent.com"}
    facts = {"builder": workflow, "built_at": "2026-11-20T08:00:00Z", "signer": signer}
    more = {"signed_at": "2026-11-20T08:05:00Z", "base": BASE}
    assert told_source(finding("source-verified", "source", **SOURCE, **facts, **more)) == [
        "A signed provenance proves that it was built from",
        "  https://github.com/acme/app",
        f"  at commit {'4f' * 20}, refs/tags/v1.2.3",
        f"  https://github.com/acme/app/tree/{'4f' * 20}",
        "Built at 2026-11-20 08:00 UTC by",
        f"  {workflow}",
        "The provenance was signed at 2026-11-20 08:05 UTC by",
        f"  {workflow}",
        "  as https://token.actions.githubusercontent.com vouches",
        "It is built upon docker.io/library/alpine:3.20, as its provenance proves:",
        f"  {DIGEST}",
    ]


def test_a_claimed_source_says_by_what_and_that_nobody_proves_it() -> None:
    base = {"name": "docker.io/library/alpine:3.20", "proven": False}
    history = ["RUN apk add curl", 'CMD ["app"]']
    assert told_source(finding("source-claimed", "source", **LABEL, base=base, history=history)) == [
        "Its label says that it was built from",
        "  https://github.com/evil/app",
        "Nobody proves that.",
        "It is built upon docker.io/library/alpine:3.20, as it says of itself.",
        "The steps that made it, as the image tells them:",
        "  RUN apk add curl",
        '  CMD ["app"]',
    ]


def test_a_provenance_that_is_wrong_is_told_with_its_reason() -> None:
    wrong = {"format": "sigstore-bundle", "state": "wrong", "reason": "signed for another image"}
    text = page(judged(finding("source-mismatch", "source", reason="its provenance is wrong", attestations=[wrong])))
    assert "signed for another image" in text


def test_a_mismatch_shows_both_sides() -> None:
    signer, reason = {"kind": "key", "name": "acme.pub"}, "one by its signed provenance, but another by its label"
    mismatch = finding("source-mismatch", "source", **SOURCE, signer=signer, claims=[LABEL], reason=reason)
    assert told_source(mismatch) == [
        f"That does not fit: {reason}.",
        "A signed provenance proves that it was built from",
        "  https://github.com/acme/app",
        f"  at commit {'4f' * 20}, refs/tags/v1.2.3",
        f"  https://github.com/acme/app/tree/{'4f' * 20}",
        "Its label says that it was built from",
        "  https://github.com/evil/app",
    ]


def test_nothing_that_says_the_source_and_a_claim_that_is_not_enough() -> None:
    assert told_source(finding("unknown-source", "source")) == [
        "Nothing says where it was built from: no provenance that counts here, and no label."
    ]
    words = "of unknown source: https://github.com/evil/app is claimed by its label, not proven"
    message = f"docker.io/library/nginx:1.27 {words}"
    assert told_source(finding("unknown-source", "source", message, **LABEL, claims=[LABEL])) == [
        "Of unknown source: https://github.com/evil/app is claimed by its label, not proven.",
        "Its label says that it was built from",
        "  https://github.com/evil/app",
    ]


def test_a_registry_that_is_not_allowed_and_those_that_are() -> None:
    details = {"registry": "evil.example.com", "registries": ["docker.io", "ghcr.io"]}
    found = judged(finding("untrusted-registry", "source", **details))
    settings = replace(PLAIN, trust_policies=("policy.toml",))
    assert told_source(finding("untrusted-registry", "source", **details)) == [
        "The policy does not allow its registry, evil.example.com."
    ]
    assert section(page(found, settings), "What the policy demands") == [
        "No rule of the policy is for this image.",
        "Images may come from docker.io, ghcr.io.",
    ]


def test_a_base_that_moved_on_stands_beside_the_source() -> None:
    base = "docker.io/library/alpine:3.20"
    outdated = finding("base-outdated", "source", base=base, base_digest=DIGEST, published_digest=PUBLISHED)
    lines = told_source(finding("source-claimed", "source", **LABEL), outdated)
    assert lines[-2:] == [f"Its base {base} has moved on; the tag names today", f"  {PUBLISHED}"]
    gone = told_source(finding("base-outdated", "source", base=base, base_digest=DIGEST))
    assert gone == [f"The tag of its base {base} is gone from the registry."]


def test_two_findings_of_one_link_stand_under_one_heading_with_the_worse_verdict() -> None:
    found = judged(finding("signed", "signatures", signatures=[GOOD_KEY]), finding("signer-changed", "signatures"))
    text = page(found)
    assert "\nSigned: signer-changed (CRITICAL)\n" in text
    assert text.count("\nSigned") == 1


def test_what_the_policy_demands() -> None:
    details = {"rule": "policy.toml: rule 1", "demanded": DEMANDED}
    settings = replace(PLAIN, trust_policies=("policy.toml",))
    text = page(judged(finding("unsigned", "signatures", **details)), settings)
    assert section(text, "What the policy demands") == [
        "policy.toml: rule 1, for registry.example.com/acme/**:",
        "  It has to be signed.",
        "  Its source has to be proven, a label is not enough.",
        "  It may be signed by",
        "    the owner of the key acme.pub",
        "    or whoever a certificate calls https://github.com/acme/* (issuer)",
        "  and in addition",
        "    an owner of a certificate of acme-ca.crt: x509.subject: O=Acme",
        "  It may be built from",
        "    https://github.com/acme/*",
    ]


def test_no_policy_and_no_rule_are_said_as_such() -> None:
    unsigned = finding("unsigned", "signatures")
    assert section(page(judged(unsigned)), "What the policy demands") == ["There is none (--trust-policy)."]
    settings = replace(PLAIN, trust_policies=("policy.toml",))
    assert section(page(judged(unsigned), settings), "What the policy demands") == [
        "No rule of the policy is for this image."
    ]
    assert "policy" not in page(judged(finding("up-to-date")))


def test_checks_that_were_not_made_are_named_with_the_option() -> None:
    settings = replace(PLAIN, checks=("updates", "restarts"))
    others = [check for check in CHECKS if check not in settings.checks]
    told = " ".join(section(page(judged(settings=settings), settings), "Not looked at"))
    assert told == f"{', '.join(others)}: --check {','.join([*settings.checks, *others])}"


@pytest.mark.parametrize(
    ("check", "code"), [(check, code) for checks in VERDICTS.values() for check in checks for code in checks[check]]
)
def test_every_finding_can_be_told(check: str, code: str) -> None:
    found = judged(finding(code, check, message="docker.io/library/nginx:1.27 is such and such"))
    told = section(page(found), LINKS.get(check, check))
    assert told
    assert all(line.strip() for line in told)


# -- what was asked ------------------------------------------------------------------------------------------------


def test_what_was_asked_of_the_registry_and_what_it_answered() -> None:
    requests = [
        RequestRecord("GET", f"{ENGINE}/v1.47/containers/json", 200, 0.1),
        RequestRecord("HEAD", f"{REGISTRY}/manifests/1", 200, 0.1),
        RequestRecord("GET", f"{REGISTRY}/manifests/{PUBLISHED}", None, 0.1, "too late"),
        RequestRecord("GET", "https://auth.example.com/token", 401, 0.1),
    ]
    text = page(judged(requests=requests))
    assert section(text, "What was asked") == [
        "https://registry.example.com:",
        "  HEAD /v2/acme/web/manifests/1: 200",
        "  GET /v2/acme/web/manifests/sha256:0a0a0a0a0a0a…: no answer (too late)",
        "https://auth.example.com:",
        "  GET /token: 401",
    ]


def test_nothing_asked_because_the_answer_is_kept_or_because_there_is_nothing_to_ask() -> None:
    assert "what it answered before still holds" in page(judged(finding("outdated")))
    for code in ("local-build", "excluded", "pinned", "unreachable"):
        assert section(page(judged(finding(code))), "What was asked") == ["No registry."]


def test_problems_and_settings_stand_at_the_end() -> None:
    found = replace(
        outcome([container("web")], PLAIN, problems=[Problem("/root/.docker/config.json", "bad-answer", "no JSON")]),
        settings=(("--timeout", "30", "default"),),
    )
    assert section(page(found), "Problems") == ["/root/.docker/config.json: no JSON"]
    assert "Settings" not in page(found)
    assert section(page(found, replace(PLAIN, verbose=2)), "Settings") == ["--timeout 30 from default"]


# -- on a terminal -------------------------------------------------------------------------------------------------


FULL = judged(
    finding("outdated", published_digest=PUBLISHED, since="2026-11-11T20:15:00Z", age=12 * DAY, since_from="created"),
    finding("signed", "signatures", signatures=[GOOD_KEY], rule="policy.toml: rule 1", demanded=DEMANDED),
    requests=[RequestRecord("HEAD", f"{REGISTRY}/manifests/1", 200, 0.1)],
)


@pytest.mark.parametrize("width", [30, 60, 80, 300])
def test_lines_fit_unless_a_word_is_to_be_copied_whole(width: int) -> None:
    for line in page(FULL, width=width).splitlines():
        assert len(line) <= min(width, 100) or len(line.split()) == 1, line


def test_digests_and_links_are_never_torn() -> None:
    text = page(FULL, width=40)
    assert {PUBLISHED, DIGEST, FINGERPRINT} <= set(text.split())


def test_colours_change_nothing_else() -> None:
    colored = page(FULL, replace(PLAIN, color="always"))
    assert "\x1b[33mWARNING\x1b[0m - web" in colored
    assert "\x1b[1mWhat runs\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == page(FULL)


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("width", [30, 200])
def test_outside_text_is_shown_and_never_interpreted(hostile: str, width: int) -> None:
    loud = replace(PLAIN, verbose=3)
    everywhere = infested(hostile, loud)
    for one in everywhere.containers:
        text = page(replace(everywhere, containers=(one,)), loud, width)
        assert all(line.isprintable() for line in text.splitlines())
        assert not set("|<>") & set(text)
        text.encode()


ANY = st.text(st.characters(exclude_categories=()))
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | ANY
INNER = (
    *("kind", "identity", "issuer", "fingerprint", "name", "format", "state", "reason", "signer", "digest", "notes"),
    *("log", "images", "signatures", "signers", "provenance", "source", "identities", "evidence", "repository", "old"),
    *("new", "version", "link", "revision", "proven", "ref", "revocation", "signed_at", "claimed_signing_time"),
)
"""Members of what stands in a finding's details."""
DATA = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(INNER) | ANY, inner, max_size=4),
    max_leaves=12,
)
MEMBERS = (
    *(
        "base",
        "claims",
        "attestations",
        "history",
        "builder",
        "built_at",
        "signed_at",
        "repository",
        "revision",
        "base_digest",
    ),
    *("published_digest", "since", "since_from", "age", "change", "mirror", "reason", "retry_at", "status", "newest"),
    *("step", "candidates", "signatures", "signer", "rule", "demanded", "before", "now", "tag_digest", "pulled_digest"),
)
CODES = sorted({(check, code) for checks in VERDICTS.values() for check in checks for code in checks[check]})


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_details_are_shown_and_never_interpreted(hostile: str) -> None:
    flat = dict.fromkeys(INNER, hostile)
    deep = {**flat, "signer": flat, "state": "wrong", "notes": [hostile], "identities": [hostile]}
    rule = {"images": [hostile], "signers": [[deep, hostile]], "source": [hostile], "builders": [hostile]}
    lists = ("signatures", "claims", "attestations", "history", "candidates", "registries", "before", "now", "joined")
    details: dict[str, Any] = {
        **dict.fromkeys(MEMBERS, hostile),
        **{name: [deep, hostile] for name in lists},
        "demanded": rule,
        "signer": deep,
        "base": flat,
        "change": {"version": flat, "link": hostile},
    }
    for check, code in CODES:
        for told in (details, {**details, "base": hostile}):
            text = page(judged(replace(finding(code, check, message=hostile), details=told)))
            assert all(line.isprintable() for line in text.splitlines()), (check, code)
            assert not set("|<>") & set(text), (check, code)


@examples(max_examples=100, deadline=None)
@given(st.sampled_from(CODES), st.dictionaries(st.sampled_from(MEMBERS), DATA, max_size=5))
def test_no_details_at_all_break_it(which: tuple[str, str], details: dict[str, Any]) -> None:
    check, code = which
    found = finding(code, check, message="docker.io/library/nginx:1.27 is such and such")
    text = page(judged(replace(found, details=details)))
    assert all(line.isprintable() for line in text.splitlines())
    assert not set("|<>") & set(text)


KEY = {"name": "release.pub", "fingerprint": FINGERPRINT}


def test_the_readme_s_sample_is_such_a_page() -> None:
    registry = "https://registry.example.com/v2/library/postgres"
    running = "sha256:6e23479198b9b81a1d2bd0dfb2a5bda1da2f2ba5cf6b4ad3b4c1ea5e4e0b1a5c"
    published = "sha256:0a399eb16751829e1af26fea27b20c3ec28d7ab1fb72182879dcae1cca21206a"
    settings = replace(PLAIN, checks=DEFAULT_CHECKS, trust_policies=("policy.toml",))
    one, _ = container("db", image="registry.example.com/library/postgres:16")
    assert one.subject
    image = replace(
        one.subject.image,
        id=running,
        digests=frozenset({running}),
        created=int(NOW.timestamp()) - 45 * DAY,
        labels={"org.opencontainers.image.version": "16.4"},
    )
    explained = replace(
        one,
        id="75d7651ba4dd" + "0" * 52,
        subject=replace(one.subject, image=image),
        created=int(NOW.timestamp()) - 44 * DAY,
        status="Up 6 weeks",
        service="db",
        project="shop",
    )
    outdated = finding(
        "outdated",
        published_digest=published,
        since="2026-11-11T20:15:00Z",
        since_from="registry",
        age=12 * DAY,
        change={"version": {"old": "16.4", "new": "16.5"}},
    )
    paths = ("manifests/16", f"manifests/{published}", f"blobs/sha256:{'d67ae8868b73':0<64}")
    requests = [RequestRecord("GET" if ":" in path else "HEAD", f"{registry}/{path}", 200, 0.1) for path in paths]
    rule = {"images": ["registry.example.com/**"], "signatures": "required", "signers": [[{**KEY, "kind": "key"}]]}
    good = {"format": "cosign", "state": "good", "reason": "signed by release.pub", "signer": KEY, "digest": running}
    signed = finding("signed", "signatures", signatures=[good], rule="policy.toml: rule 1", demanded=rule)
    claim = {"evidence": "label", "repository": "https://git.example.com/db", "revision": "4f" * 20}
    steps = ["ADD rootfs.tar.xz /", "RUN apt-get update && apt-get install -y postgresql-16", 'CMD ["postgres"]']
    claimed = finding("source-claimed", "source", **claim, history=steps)
    found = (outdated, finding("running-current", "restarts"), signed, claimed)
    judged_one = outcome([(explained, found)], settings, requests=requests)
    readme = (ROOT / "README.md").read_text()
    assert f"```\n{page(judged_one, settings)}```\n" in readme


# -- JSON ----------------------------------------------------------------------------------------------------------


def test_json_has_what_the_page_has_beyond_the_usual_members() -> None:
    settings = replace(PLAIN, output="json")
    requests = [RequestRecord("HEAD", f"{REGISTRY}/manifests/1", None, 0.1234567, "no answer")]
    found = judged(settings=settings, requests=requests, created=int(NOW.timestamp()), status="Up 3 days", service="a")
    report = json.loads(as_json.render(found, settings))
    assert report["requests"] == [
        {"method": "HEAD", "url": f"{REGISTRY}/manifests/1", "seconds": 0.123457, "note": "no answer"}
    ]
    assert report["containers"][0]["created"] == "2026-11-23T20:15:00Z"
    assert report["containers"][0]["status"] == "Up 3 days"
    usual = json.loads(as_json.render(found, replace(settings, explain="")))
    assert set(report) - set(usual) == {"requests"}
    more = set(report["containers"][0]) - set(usual["containers"][0])
    assert more == {"created", "status", "image_id", "service"}
    assert report["containers"][0]["image_id"] == DIGEST


def test_the_state_is_the_container_s() -> None:
    assert judged(finding("outdated")).state is State.WARNING
