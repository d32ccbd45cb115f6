"""Only regular files are opened: a named pipe would keep the check waiting for ever."""

import os
from pathlib import Path

import pytest

from container_updates.untrusted import files


def test_at_most_one_byte_beyond_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert files.read(tmp_path / "file", 3) == b"1234"
    assert files.read(tmp_path / "file", 9) == b"12345"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["named pipe", "folder"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, make: object) -> None:
    make(tmp_path / "odd")  # type: ignore[operator]
    with pytest.raises(OSError, match=r"not a regular file|Is a directory"):
        files.read(tmp_path / "odd", 9)


def test_a_device_is_refused() -> None:
    with pytest.raises(OSError, match="not a regular file"):
        files.check("/dev/null")
