"""Files whose names come from options, the environment or other files: only regular ones are opened.

Opening a named pipe waits for a writer, and no deadline ends that (open(2)).
"""

import errno
import os
import stat
from pathlib import Path


def read(path: str | Path, limit: int) -> bytes:
    """Return at most `limit` bytes and one more, by which a larger file is known; raises `OSError` and `ValueError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(limit + 1)


def check(path: str | Path) -> None:
    """Return where somebody else may open the file, a library of C for one; raises `OSError` and `ValueError`."""
    read(path, 0)
