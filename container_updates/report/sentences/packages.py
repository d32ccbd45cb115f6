"""Packages inside a container, as a person would tell of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from container_updates.model import Finding, number
from container_updates.report.sentences.details import moment, text


def lines(details: Mapping[str, Any]) -> Iterable[str]:
    """Yield every package that is pending, a line each, and by whose keys the repositories were verified."""
    listed = details.get("pending")
    listed = listed if isinstance(listed, list) else []
    for one in listed:
        told = {name: text(one, name) for name in ("name", "architecture", "installed", "candidate", "suite")}
        marks = [told["suite"], *(["security"] if isinstance(one, Mapping) and one.get("security") is True else [])]
        marks += ["on hold"] if isinstance(one, Mapping) and one.get("held") is True else []
        beside = f" ({', '.join(filter(None, marks))})" if any(marks) else ""
        yield f"{told['name']} [{told['architecture']}] {told['installed']} → {told['candidate']}{beside}"
    more = (number(details.get("packages")) or 0) - len(listed)
    if more > 0:
        yield f"and {more} more"
    yield from trust(details)


def brings(findings: Iterable[Finding]) -> Iterable[str]:
    """Yield how many of the pending packages an update of the container would bring, where its SBOM tells."""
    findings = [*findings]
    changes = (one.details.get("change") for one in findings if one.check in ("updates", "restarts"))
    changed = [change.get("packages") for change in changes if isinstance(change, Mapping)]
    after = {
        (text(one, "name"), text(one, "after"))
        for known in changed
        if isinstance(known, Mapping)
        for one in _every(known)
    }
    for finding in findings:
        pending = finding.details.get("pending")
        if finding.check == "packages" and after and isinstance(pending, list) and pending:
            count = sum((text(one, "name"), text(one, "candidate")) in after for one in pending)
            yield f"updating the container brings {count} of the {len(pending)} pending ones"


def _every(known: Mapping[str, Any]) -> list[Any]:
    packages = known.get("packages")
    return packages if isinstance(packages, list) else []


def trust(details: Mapping[str, Any]) -> Iterable[str]:
    """Yield a line where only the container's own keys vouch for its repositories."""
    if details.get("trust") == "container":
        yield "its repositories are verified by the container's own keys only"


def pending(details: Mapping[str, Any]) -> Iterable[str]:
    """Yield the page's lines on packages that are pending."""
    count = number(details.get("packages")) or 0
    installed, release = number(details.get("installed")) or "?", text(details, "release")
    yield f"{release or 'It'}: its own package manager would upgrade {count} of {installed} packages:"
    yield from (f"  {line}" for line in lines(details))
    yield "An update inside is lost with the container: build the image anew, or pull one that was built since."


def none(details: Mapping[str, Any]) -> Iterable[str]:
    """Yield the page's lines where nothing is pending."""
    yield f"{number(details.get('installed')) or '?'} packages, none of which its repositories have newer."
    if "snapshot" in details:
        yield f"They are a snapshot of {text(details, 'snapshot')}: what came later is not in it."
    elif "indexes_from" in details:
        yield f"The oldest of their indexes is of {moment(details, 'indexes_from')}."
    yield from (f"{line[:1].upper()}{line[1:]}." for line in trust(details))
