"""What strangers send may be large, deep or broken: it is refused before a parser makes objects of it."""

import json
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.untrusted.json import MAX_DEPTH, MAX_PARTS, Invalid, read, read_object

_SCALAR = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_JSON = st.recursive(
    _SCALAR | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(_JSON, st.booleans())
def test_any_document_within_the_bounds_is_read_as_it_is(value: object, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert read(body) == value
    assert read(body, lenient=True) == value


@given(_JSON, st.integers(1, 6), st.integers(0, 12))
def test_depth_and_parts_are_counted_as_the_parser_meets_them(value: object, depth: int, parts: int) -> None:
    """Brackets, commas, quotes and backslashes within texts count for nothing."""

    def measured(one: object) -> tuple[int, int]:
        if not isinstance(one, list | dict):
            return 0, 0
        inner = [measured(two) for two in (one.values() if isinstance(one, dict) else one)]
        return 1 + max((deep for deep, _ in inner), default=0), 1 + max(0, len(inner) - 1) + sum(n for _, n in inner)

    deep, count = measured(value)
    body = json.dumps(value, ensure_ascii=False)
    if deep <= depth and count <= parts:
        assert read(body, depth=depth, parts=parts) == value
    else:
        with pytest.raises(Invalid) as caught:
            read(body, depth=depth, parts=parts)
        assert caught.value.beyond


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_invalid(body: bytes) -> None:
    for lenient in (False, True):
        with suppress(Invalid):
            assert read(body, lenient=lenient, depth=2, parts=3) == json.loads(body.decode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is no valid JSON"),
        (b"{", "is no valid JSON"),
        (b'{"a": "', "is no valid JSON"),
        (b"\xff\xfe", "is no valid JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "is no valid JSON"),
        (b"<!DOCTYPE html>", "is a web page"),
        (b"[]", "is no JSON object"),
        (b'{"a": 1, "a": 2}', "has a member twice"),
        (b'{"a": NaN}', "has NaN, which is no JSON"),
        (b'{"a": 1e999}', "has a number that is too large"),
        (b'{"a": "\\ud800"}', "is no valid JSON"),
    ],
)
def test_what_is_no_json_object_says_what_it_is(body: bytes, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_object(body)
    assert str(caught.value) == reason
    assert not caught.value.beyond


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * 100_000, f"is nested deeper than {MAX_DEPTH} levels"),
        (b'{"a": "\\\\", "b": ' + b"[" * 64 + b"]" * 64 + b"}", f"is nested deeper than {MAX_DEPTH} levels"),
        (b'{"a": [' + b"{}," * MAX_PARTS + b"{}]}", "has more than 100,000 parts"),
        (b" " * (4 * 1024 * 1024 + 1), "is larger than 4 MiB"),
    ],
)
def test_what_is_larger_than_is_looked_at_says_so(body: bytes, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_object(body)
    assert str(caught.value) == reason
    assert caught.value.beyond


@pytest.mark.parametrize(
    "part", [b"{},", b"[],", b'"",', b"0,", b'{"":{}},', b'"\\"",', b"[[", b'"'], ids=lambda part: part.decode()
)
def test_a_manifest_of_nothing_but_parts_costs_little_more_than_its_bytes(part: bytes) -> None:
    body = b'{"layers": [' + part * (1024 * 1024 // len(part) - 10)
    tracemalloc.start()
    try:
        with pytest.raises(Invalid):
            read_object(body)
        assert tracemalloc.get_traced_memory()[1] < 6 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_name_that_is_no_utf_8_spoils_only_itself_where_an_engine_is_read() -> None:
    assert read(b'{"Name": "\xff", "Id": "a"}', lenient=True) == {"Name": "\ufffd", "Id": "a"}
