"""Control files: paragraphs of fields (deb822(5)), as dpkg and apt keep nearly everything."""

from collections.abc import Iterator

_MAX_FIELDS = 200


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Yield each paragraph as field name in lower case to value, continuation lines joined by line breaks.

    Lines that begin with `#` are comments. Of a paragraph only the first 200 fields count.
    """
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line.startswith("#"):
            continue
        elif line[0] in " \t":
            if name:
                fields[name] += "\n" + line.strip()
        else:
            name, colon, value = line.partition(":")
            name = name.strip().lower() if colon and (len(fields) < _MAX_FIELDS) else ""
            if name:
                fields[name] = value.strip()
    if fields:
        yield fields
