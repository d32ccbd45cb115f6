"""JSON from a stream of bytes: a whole value, or an array element by element in the memory of one element.

Raises `ValueError` with one short reason for all that is no JSON: cut off, nested too deeply, HTML.
Bytes that are no UTF-8 become U+FFFD, so that they spoil only the name they stand in.
"""

import codecs
import json
from collections.abc import Collection, Iterator
from typing import Any

from container_updates.untrusted import json as reader

_MAX_ELEMENT = 4 * 1024 * 1024
"""Characters; the largest real container record is far below, and broken JSON must not fill the memory."""
_MAX_VALUE = 64 * 1024 * 1024
"""Bytes."""
_SPACE = " \t\r\n"
_AFTER = frozenset(_SPACE + ",]}:")
_MAX_DEPTH = 64


def value(chunks: Iterator[bytes]) -> Any:
    """Return the one JSON value that `chunks` hold."""
    try:
        return reader.read(b"".join(chunks), limit=_MAX_VALUE, lenient=True)
    except reader.Invalid as error:
        raise ValueError("HTML" if error.page else f"an answer that {error}") from None


def elements(chunks: Iterator[bytes]) -> Iterator[Any]:
    """Yield each element of the JSON array (`null` counts as an empty one) that `chunks` hold."""
    window = _Window(chunks)
    if window.next_character() != "[":
        if window.rest() == "null":
            return
        raise _reason(window.rest())
    window.skip()
    if window.next_character() == "]":
        window.skip()
    else:
        yield from _until_bracket(window)
    if window.next_character():
        raise ValueError("no JSON: something follows the list")


Path = tuple[str, ...]
"""Names of members, one inside the other."""


def picked(chunks: Iterator[bytes], wanted: Collection[Path]) -> Iterator[tuple[Path, Any]]:
    """Yield what is at the wanted places of a JSON object, of arrays each element, in the memory of one of them.

    Everything else is passed over.
    """
    window = _Window(chunks)
    if window.next_character() != "{":
        raise _reason(window.rest())
    yield from _members(window, (), wanted)


def _members(window: "_Window", path: Path, wanted: Collection[Path]) -> Iterator[tuple[Path, Any]]:
    if len(path) > _MAX_DEPTH:
        raise ValueError("JSON nested too deeply")
    window.skip()
    while window.next_character() != "}":
        name = window.element()
        if not isinstance(name, str) or window.next_character() != ":":
            raise ValueError("no JSON, or cut off")
        window.skip()
        place, kind = (*path, name), window.next_character()
        if kind == "{":
            if place in wanted:
                yield place, window.element()
            else:
                yield from _members(window, place, wanted)
        elif kind == "[":
            for element in _array(window):
                if place in wanted:
                    yield place, element
        else:
            element = window.element()
            if place in wanted:
                yield place, element
        if window.next_character() == ",":
            window.skip()
        elif window.next_character() != "}":
            raise ValueError("no JSON, or cut off")
    window.skip()


def _array(window: "_Window") -> Iterator[Any]:
    window.skip()
    if window.next_character() == "]":
        window.skip()
    else:
        yield from _until_bracket(window)


def _until_bracket(window: "_Window") -> Iterator[Any]:
    while True:
        yield window.element()
        separator = window.next_character()
        window.skip()
        if separator == "]":
            return
        if separator != ",":
            raise ValueError("no JSON, or cut off")


class _Window:
    """The part of a text that is not yet decoded."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._at = 0
        self._ended = False

    def next_character(self) -> str:
        """Return the next character that is no white space, without passing it; "" at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._read():
                return ""

    def skip(self) -> None:
        """Pass one character."""
        self._at += 1

    def rest(self) -> str:
        """Return what is left, at most about one element's size."""
        while len(self._text) - self._at < _MAX_ELEMENT and self._read():
            pass
        return self._text[self._at :].strip(_SPACE)

    def element(self) -> Any:
        """Return the next value; more is read while it is incomplete, twice as much each time to stay linear."""
        self.next_character()
        while True:
            all_read = self._ended or len(self._text) - self._at > _MAX_ELEMENT
            try:
                element, end = self._decode(self._text, self._at)
                # Without what follows nobody knows whether a number goes on in the next chunk.
                if all_read or self._text[end : end + 1] in _AFTER:
                    self._at = end
                    return element
            except json.JSONDecodeError as error:
                if all_read:
                    raise _reason(self._text[self._at :], error) from None
            except (ValueError, RecursionError) as error:
                raise _reason(self._text[self._at :], error) from None
            wanted = 2 * (len(self._text) - self._at)
            while len(self._text) - self._at < wanted and self._read():
                pass

    def _read(self) -> bool:
        """Take one chunk more; False at the end."""
        if self._ended:
            return False
        chunk = next(self._chunks, None)
        self._ended = chunk is None
        self._text = self._text[self._at :] + self._utf8.decode(chunk or b"", final=self._ended)
        self._at = 0
        return True


def _reason(text: str, error: Exception | None = None) -> ValueError:
    if isinstance(error, RecursionError):
        return ValueError("JSON nested too deeply")
    if text.lstrip()[:1] == "<":
        return ValueError("HTML")
    return ValueError("no JSON, or cut off" if error or not text else "no list")
