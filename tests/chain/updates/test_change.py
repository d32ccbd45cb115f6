"""What an update brings: claims of both images, and a link that is safe to follow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container_updates.chain.source import forges
from container_updates.report import nagios
from container_updates.settings import Settings
from tests.support.lab import Lab, lab

OCI = "org.opencontainers.image."
OLD, NEW = "1" * 40, "2" * 40


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Lab]:
    with lab(tmp_path) as started:
        yield started


def change(host: Lab, old: dict[str, str], new: dict[str, str], own: dict[str, str] | None = None) -> dict[str, Any]:
    image = host.registry.push_image("app/web", "1", labels=old, created="2026-10-01T00:00:00Z")
    host.run("web", image, {**old, **(own or {})})
    host.registry.push_image("app/web", "1", labels=new, created="2026-11-01T00:00:00Z")
    found = host.check().finding("web").details["change"]
    assert isinstance(found, dict)
    return found


def labels(version: str, revision: str, source: str = "https://github.com/acme/web") -> dict[str, str]:
    return {f"{OCI}version": version, f"{OCI}revision": revision, f"{OCI}source": source}


def test_version_revision_source_and_dates_old_and_new_with_the_page_between_them(host: Lab) -> None:
    assert change(host, labels("1.27.3", OLD), labels("1.27.4", NEW)) == {
        "version": {"old": "1.27.3", "new": "1.27.4"},
        "revision": {"old": OLD, "new": NEW},
        "source": {"old": "https://github.com/acme/web", "new": "https://github.com/acme/web"},
        "created": {"old": "2026-10-01T00:00:00Z", "new": "2026-11-01T00:00:00Z"},
        "link": f"https://github.com/acme/web/compare/{OLD}...{NEW}",
    }


def test_it_costs_no_request_that_freshness_has_not_made(host: Lab) -> None:
    change(host, labels("1", OLD), labels("2", NEW))
    assert [entry.method for entry in host.registry.requests()] == ["HEAD", "GET", "GET"]


def test_it_stands_in_the_text_at_v_only(host: Lab) -> None:
    change(host, labels("1.27.3", OLD), labels("1.27.4", NEW))
    outcome = host.check().outcome
    quiet, loud = (nagios.render(outcome, Settings(verbose=level)) for level in (0, 1))
    assert "1.27.4" not in quiet
    line = next(line for line in loud.splitlines() if line.startswith("[WARNING]"))
    assert "version 1.27.3 → 1.27.4, created 2026-10-01 → 2026-11-01, " in line
    assert f", revision {OLD[:12]} → {NEW[:12]}, " in line
    assert line.endswith(f"https://github.com/acme/web/compare/{OLD}...{NEW}")
    assert loud.splitlines()[-1].startswith("To update: docker pull ")


def test_without_both_revisions_the_releases_are_linked(host: Lab) -> None:
    found = change(host, {}, {f"{OCI}source": "https://gitlab.com/acme/web.git", f"{OCI}revision": NEW})
    assert found["link"] == "https://gitlab.com/acme/web/-/releases"


def test_a_source_that_moved_has_no_page_between_its_revisions(host: Lab) -> None:
    found = change(host, labels("1", OLD, "https://github.com/acme/old"), labels("2", NEW))
    assert found["link"] == "https://github.com/acme/web/releases"


@pytest.mark.parametrize(
    "source",
    ["javascript:alert(1)", "https://github.com", "file:///etc/passwd", "acme/web", "https://x y/a/b", "\x1b[2J"],
)
def test_what_is_no_repository_makes_no_link(host: Lab, source: str) -> None:
    assert "link" not in change(host, {}, {f"{OCI}source": source})


def test_the_admin_s_own_link_template_comes_first(host: Lab) -> None:
    own = {"wud.link.template": "https://wiki.example.com/web/${original}?major=${major}"}
    assert change(host, {}, labels("1", NEW), own)["link"] == "https://wiki.example.com/web/1?major=1"


@pytest.mark.parametrize(
    "template", ["javascript:${original}", "https://user:pw@example.com/${raw}", "https://[::1", "x"]
)
def test_a_template_that_is_no_link_is_left_out(host: Lab, template: str) -> None:
    assert change(host, {}, {}, {"wud.link.template": template}).get("link") is None


@pytest.mark.parametrize(
    ("address", "compare", "releases"),
    [
        ("https://github.com/a/b", f"/compare/{OLD}...{NEW}", "/releases"),
        ("https://gitlab.com/a/b", f"/-/compare/{OLD}...{NEW}", "/-/releases"),
        ("https://gitlab.example.com/a/b", f"/-/compare/{OLD}...{NEW}", "/-/releases"),
        ("https://codeberg.org/a/b", f"/compare/{OLD}...{NEW}", "/releases"),
        ("https://gitea.example.com/a/b", f"/compare/{OLD}...{NEW}", "/releases"),
        ("https://bitbucket.org/a/b", f"/branches/compare/{NEW}%0D{OLD}", "/downloads/?tab=tags"),
        ("https://git.example.com/a/b", None, None),
    ],
)
def test_pages_of_the_known_forges(address: str, compare: str | None, releases: str | None) -> None:
    assert forges.compare(address, OLD, NEW) == (address + compare if compare else None)
    assert forges.releases(address) == (address + releases if releases else None)


@pytest.mark.parametrize(("old", "new"), [(OLD, OLD), ("", NEW), ("main", NEW), (OLD, "../../x"), (OLD, NEW + "g")])
def test_what_is_no_revision_is_not_compared(old: str, new: str) -> None:
    assert forges.compare("https://github.com/a/b", old, new) is None


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://github.com/a/b", f"/tree/{NEW}"),
        ("https://gitlab.com/a/b", f"/-/tree/{NEW}"),
        ("https://codeberg.org/a/b", f"/src/commit/{NEW}"),
        ("https://bitbucket.org/a/b", f"/src/{NEW}"),
        ("https://git.example.com/a/b", ""),
    ],
)
def test_the_files_at_a_commit_or_the_repository_itself(address: str, page: str) -> None:
    assert forges.files(address, NEW) == address + page
    assert forges.files(address, "v1.0") == forges.files(address, None) == address


def test_a_version_that_came_from_the_base_is_not_told(host: Lab) -> None:
    ubuntu = {f"{OCI}ref.name": "ubuntu"}
    old, new = ({**labels(version, NEW), **ubuntu} for version in ("1", "1.1"))
    assert "version" not in change(host, old, new)


def test_a_version_that_does_not_fit_the_tag_is_not_told(host: Lab) -> None:
    assert "version" not in change(host, labels("22.04", OLD), labels("24.04", NEW))
