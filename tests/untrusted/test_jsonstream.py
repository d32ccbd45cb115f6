"""A list is the same however its bytes arrive."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_updates.untrusted import jsonstream

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(_JSON, max_size=5), st.integers(1, 20), st.booleans(), st.sampled_from([None, 1]))
def test_elements_of_any_list_in_any_pieces(
    records: list[Any], size: int, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(records, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    assert list(jsonstream.elements(pieces)) == records


@given(st.binary(max_size=50), st.integers(1, 20))
def test_any_bytes_are_elements_or_a_value_error(body: bytes, size: int) -> None:
    try:
        found = list(jsonstream.elements(body[at : at + size] for at in range(0, len(body), size)))
    except ValueError:
        return
    assert repr(found) == repr(json.loads(body))


def test_list_cut_off_yields_what_came_before_and_then_fails() -> None:
    found = jsonstream.elements(iter([b'[{"a": 1}, {"b"']))
    assert next(found) == {"a": 1}
    with pytest.raises(ValueError, match="cut off"):
        next(found)


def test_element_larger_than_any_record_ends_it() -> None:
    read = 0

    def endless() -> Any:
        nonlocal read
        yield b'["'
        while True:
            read += 1
            yield b"x" * 1024 * 1024

    with pytest.raises(ValueError, match="cut off"):
        list(jsonstream.elements(endless()))
    assert read < 20
