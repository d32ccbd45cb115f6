"""RFC 3161 timestamps: when something was signed, by the word of an authority that the admin or a root names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from container_updates.signing.bounded import MAX_CERTIFICATES
from container_updates.signing.crypto import certificates, der
from container_updates.signing.verdict import LOADING, Unknown, Wrong


@dataclass(frozen=True, slots=True)
class Stamp:
    """When an authority saw a signature, in UTC."""

    at: datetime
    margin: timedelta
    """How far its clock may be off."""


def response_of(token: bytes) -> bytes:
    """The granted TimeStampResp around a bare TimeStampToken (RFC 3161 section 2.4.2)."""
    return der.sequence(der.sequence(b"\x02\x01\x00"), token)


def check(body: bytes, message: bytes, roots: Iterable[bytes], below: Sequence[bytes] = ()) -> Stamp:
    """When `message` was stamped.

    `body` is a TimeStampResp, `roots` are DER certificates, `below` those under them that are known beforehand: where
    an authority's own signing certificate is among them, no other one counts. Raises `Wrong`, or `Unknown` for an
    authority that is not under `roots`. The chain is built here: rfc3161-client takes any self-signed certificate for
    a root that it is handed as intermediate, so it only gets what is proven.
    """
    with LOADING:
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        der.check(body)
        response = decode_timestamp_response(der.with_sorted_certificates(body))
        signers = list(response.signed_data.signer_infos)
        bodies = list(response.signed_data.certificates)
        stamped_at, accuracy = response.tst_info.gen_time, response.tst_info.accuracy
    except ValueError:
        raise Wrong("the timestamp cannot be read") from None
    if len(signers) != 1 or len(bodies) > MAX_CERTIFICATES:
        raise Wrong("the timestamp has not exactly one signer, or too many certificates")
    pool = [certificates.load(body, "a certificate of the timestamp") for body in bodies]
    listed = [certificates.load(body, "a timestamp authority's certificate") for body in below]
    trusted = [certificates.load(body, "a timestamp authority's certificate") for body in roots]
    leaf = next(
        (
            one
            for one in [*listed, *pool, *trusted]
            if one.issuer == signers[0].issuer and one.serial_number == signers[0].serial_number
        ),
        None,
    )
    if leaf is None and listed and not pool:
        raise Unknown(f"its timestamp is of an authority that no policy names: {signers[0].issuer.rfc4514_string()}")
    if leaf is None:
        raise Wrong("the timestamp's signer has no certificate in it")
    only = [one for one in listed if not certificates.is_authority(one)]
    chain = certificates.path(leaf, [*listed, *pool], trusted)
    if chain is None or (only and leaf not in only):
        raise Unknown(f"its timestamp is of an authority that no policy names: {leaf.issuer.rfc4514_string()}")
    certificates.check_order(chain)
    certificates.check_leaf_usage(leaf, certificates.TIME_STAMPING)
    certificates.requires_purpose(leaf, certificates.TIME_STAMPING)
    certificates.check_time(chain, stamped_at, "stamped")
    builder = VerifierBuilder(tsa_certificate=leaf, intermediates=chain[1:-1], roots=[chain[-1]])
    try:
        builder.build().verify_message(response, message)
    except (VerificationError, ValueError):
        raise Wrong("the timestamp is not by its authority, or for another signature") from None
    margin = timedelta(
        seconds=accuracy.seconds if accuracy and accuracy.seconds else 0,
        milliseconds=accuracy.millis if accuracy and accuracy.millis else 0,
        microseconds=accuracy.micros if accuracy and accuracy.micros else 0,
    )
    return Stamp(stamped_at, margin)
