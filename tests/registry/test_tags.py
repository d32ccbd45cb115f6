"""All tags of a repository: every page, no page twice, and never without end."""

import json

import pytest

from container_updates.errors import BadAnswer, Inconclusive, NotFound
from container_updates.registry import tags
from container_updates.registry.http.exchange import Answer

NOW = 1_795_500_000.0
HOST = "registry.example.com"


class Lister:
    """A registry that answers by page; what was asked is in `paths`."""

    def __init__(self, *pages: object, **headers: str) -> None:
        self.pages = list(pages)
        self.headers = headers
        self.paths: list[str] = []
        self.etags: list[str | None] = []

    def __call__(self, path: str, headers: dict[str, str]) -> Answer:
        self.paths.append(path)
        self.etags.append(headers.get("If-None-Match"))
        page = self.pages[min(len(self.paths), len(self.pages)) - 1]
        if isinstance(page, Answer):
            return page
        links = {}
        if len(self.paths) < len(self.pages):
            links["Link"] = f'</v2/app/tags/list?last={len(self.paths)}&n=2>; rel="next"'
        return Answer(200, {**self.headers, **links}, json.dumps({"name": "app", "tags": page}).encode())


def find(ask: Lister, kept: bytes | None = None, now: float = NOW) -> tags.TagList:
    return tags.find(ask, kept, now=now, ttl=600, host=HOST)


def test_every_page_is_followed_where_the_registry_says() -> None:
    ask = Lister(["1", "2"], ["3", "4"], ["5"])
    found = find(ask)
    assert (found.tags, found.whole) == (("1", "2", "3", "4", "5"), True)
    assert ask.paths == ["tags/list?n=1000", "tags/list?last=1&n=2", "tags/list?last=2&n=2"]


def test_a_full_page_without_a_link_is_followed_by_its_last_tag() -> None:
    ask = Lister([str(number) for number in range(1000)], ["1000"])
    ask.headers = {}
    first = [str(number) for number in range(1000)]

    def without_links(path: str, headers: dict[str, str]) -> Answer:
        ask.paths.append(path)
        page = first if len(ask.paths) == 1 else ["1000"]
        return Answer(200, {}, json.dumps({"tags": page}).encode())

    found = tags.find(without_links, None, now=NOW, ttl=600, host=HOST)
    assert len(found.tags) == 1001
    assert ask.paths == ["tags/list?n=1000", "tags/list?last=999&n=1000"]


def test_a_registry_that_ignores_n_has_said_all_at_once() -> None:
    ask = Lister([str(number) for number in range(5000)])
    assert len(find(ask).tags) == 5000
    assert len(ask.paths) == 1


def test_pages_that_repeat_themselves_end_the_listing() -> None:
    ask = Lister(*[["1", "2"]] * 50)
    found = find(ask)
    assert (found.tags, found.whole) == (("1", "2"), False)
    assert len(ask.paths) == 2


def test_pages_without_end_are_stopped_and_said() -> None:
    ask = Lister(*[[str(number)] for number in range(5000)])
    found = find(ask)
    assert (len(ask.paths), found.whole) == (100, False)


def test_more_tags_than_anybody_has_are_cut_and_said() -> None:
    found = find(Lister([str(number) for number in range(200_001)]))
    assert (len(found.tags), found.whole) == (200_000, False)


def test_within_the_time_to_live_nothing_is_asked() -> None:
    kept = tags.pack(find(Lister(["1"])))
    again = Lister(["2"])
    assert find(again, kept, NOW + 599).tags == ("1",)
    assert again.paths == []


def test_afterwards_the_etag_is_asked_for() -> None:
    kept = tags.pack(find(Lister(["1"], ETag='"v1"')))
    again = Lister(Answer(304, {}, b""))
    found = find(again, kept, NOW + 601)
    assert (found.tags, found.written, again.etags) == (("1",), NOW + 601, ['"v1"'])
    changed = Lister(["1", "2"], ETag='"v2"')
    assert find(changed, kept, NOW + 601).tags == ("1", "2")


@pytest.mark.parametrize("kept", [b"", b"[]", b"{", b"[1, 2, 3, 4]", b'["x", "", true, []]'])
def test_what_was_kept_and_cannot_be_read_is_asked_for_again(kept: bytes) -> None:
    assert find(Lister(["1"]), kept).tags == ("1",)


def test_what_is_no_tag_is_left_out() -> None:
    assert find(Lister(["1", "", "a b", "x" * 200, "\x1b[2J", "../x", "ok"])).tags == ("1", "ok")


def test_a_repository_without_tags() -> None:
    assert find(Lister(None)).tags == ()


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b"{}", b'{"tags": "1"}', b'{"tags": [1]}', b"[" * 100_000, b'{"tags": {"a": 1}}', b"\xff"],
)
def test_a_list_that_is_none_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        find(Lister(Answer(200, {}, body)))


@pytest.mark.parametrize(("status", "kind"), [(404, NotFound), (400, BadAnswer), (302, BadAnswer)])
def test_other_answers_are_no_lists(status: int, kind: type[Inconclusive]) -> None:
    with pytest.raises(kind):
        find(Lister(Answer(status, {}, b"")))


@pytest.mark.parametrize(
    "link", ["</v2/app/tags/list?last=1>", '<http://[::1>; rel="next"', '<>; rel="next"', "garbage", '; rel="next"']
)
def test_a_link_that_is_none_ends_the_listing(link: str) -> None:
    assert find(Lister(["1"], Link=link)).tags == ("1",)


def test_a_link_never_leads_to_another_place() -> None:
    ask = Lister(Answer(200, {"Link": '<https://evil.example/steal?last=1>; rel="next"'}, b'{"tags": ["1"]}'), ["2"])
    find(ask)
    assert ask.paths[1] == "tags/list?last=1"
