"""Any outside string made safe to print, and the one line that is left where nothing could be checked."""

from container_updates.model import Container, State

SERVICE = "CONTAINER_UPDATES"
FIRST_LINE = 1000
"""Bytes, below NRPE version 2's buffer of 1,024 with its closing zero."""
_REPLACED = str.maketrans({"|": "¦", "<": "(", ">": ")"})
"""`|` starts performance data; `<none>` turns Icinga's whole output into HTML."""


def name_of(container: Container) -> str:
    """Return a container's title, before its own name where people know it by another one."""
    title = safe(container.title, 160)
    return f"{title} ({safe(container.name, 80)})" if container.display_name else title


def failure(message: str) -> str:
    """Return the report of a check that could not be made at all (exit 3)."""
    return cut(f"{SERVICE} {State.UNKNOWN.name} - {safe(message, 600)}", FIRST_LINE) + "\n"


def safe(text: str, limit: int = 300) -> str:
    """Return `text` as one printable line of at most `limit` characters.

    White space of any kind becomes one blank; control and format characters (escapes, bidi marks, zero width) and
    what is no Unicode become U+FFFD, so that something is seen to have been there.
    """
    looked_at = text[: 4 * limit]
    more, text = len(text) > len(looked_at), looked_at
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text)
    text = " ".join(text.split()).translate(_REPLACED)
    return text if len(text) <= limit and not more else text[: limit - 1] + "…"


def cut(text: str, size: int) -> str:
    """Return `text`, shortened to at most `size` bytes of UTF-8, an ellipsis at its end where it was."""
    raw = text.encode()
    if len(raw) <= size:
        return text
    return raw[: max(0, size - len("…".encode()))].decode(errors="ignore") + "…" if size >= len("…".encode()) else ""
