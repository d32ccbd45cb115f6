"""An SQLite file in the state directory, ours alone, for several plugins at once.

Nothing here ever stops a check: where the file cannot be used, that is said once, and the run goes on without it.
"""

import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from container_updates.model import NOT_KEPT, Problem

_BUSY_SECONDS = 1.0
"""How long another plugin's writing is waited for."""


class Broken(sqlite3.DatabaseError):
    """A file that is damaged, or of another program."""


class Database:
    """One file; `problems` has what is to be said of it. Whoever uses it from several threads locks for himself."""

    def __init__(
        self,
        folder: str,
        name: str,
        *,
        application: int,
        schema: int,
        tables: tuple[str, ...],
        renews: bool = True,
        durable: bool = False,
    ) -> None:
        """`application` and `schema` are of `PRAGMA application_id` and `user_version`.

        `renews`: a broken file is set aside and begun anew by itself; without it `guarded` only keeps the reason.
        `durable`: what was written outlives a power failure too.
        """
        self.path = Path(folder) / name
        self.broken: str | None = None
        """Why the file cannot be believed, where it is not renewed by itself."""
        self.problems: list[Problem] = []
        self._application = application
        self._schema = schema
        self._tables = tables
        self._renews = renews
        self._durable = durable
        self._opened = False
        self._connection: sqlite3.Connection | None = None

    def open(self) -> sqlite3.Connection | None:
        """Return the connection, made at the first need; None where it could not be. Only within `guarded`."""
        if not self._opened:
            self._opened = True
            self._prepare()
            try:
                self._connection = self._connect()
            except sqlite3.DatabaseError as error:
                if not self._renews or not _is_broken(error):
                    raise
                self.set_aside()
                self._connection = self._connect()
        return self._connection

    def close(self) -> None:
        """Close it for good."""
        self._opened = True
        self._drop()

    def again(self) -> None:
        """Close it and let the next need open it anew."""
        self._drop()
        self._opened, self.broken = False, None

    def set_aside(self) -> None:
        """Keep a file that cannot be used under another name, and begin a new one."""
        name = self.path.name
        self.say(f"was not usable and is now {name}.broken: what was remembered is lost")
        self._drop()
        os.replace(self.path, self.path.with_name(f"{name}.broken"))
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.path.with_name(name + suffix).unlink()
        self._prepare()

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Whatever goes wrong with the file is said once, and the run goes on without it."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            self._drop()
            if not _is_broken(error):
                self.say(f"cannot be used, nothing is kept: {error}", NOT_KEPT)
            elif self._renews:
                with suppress(OSError):
                    self.set_aside()
            else:
                self.broken = str(error)
        except OSError as error:
            self.say(f"cannot be used, nothing is kept: {error.strerror}", NOT_KEPT)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other plugin renews a file of this folder meanwhile; raises BlockingIOError where one does just that."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(folder)

    def say(self, message: str, code: str = "bad-answer") -> None:
        """Add a problem, unless there is one already."""
        if not self.problems:
            self.problems.append(Problem(str(self.path), code, message))

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _prepare(self) -> None:
        """Make folder and file ours alone; raises OSError where they are somebody else's."""
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.geteuid():
            raise PermissionError(0, "the folder belongs to another user")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(0, "others may write to the folder (chmod go-w)")
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, check_same_thread=False)
        try:
            # In one transaction: another plugin may be making the tables right now.
            database.execute("BEGIN")
            [tables] = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            [application] = database.execute("PRAGMA application_id").fetchone()
            [schema] = database.execute("PRAGMA user_version").fetchone()
            database.commit()
            if application != self._application and tables:
                raise Broken("not a file of this plugin")
            if schema > self._schema:
                raise OSError(0, "the file is of a newer version of this plugin")
            if not tables:
                with suppress(sqlite3.OperationalError):  # busy: another plugin is doing just that
                    database.execute("PRAGMA journal_mode = WAL")
                database.execute("BEGIN IMMEDIATE")
                if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in self._tables:
                        database.execute(statement)
                    database.execute(f"PRAGMA application_id = {self._application}")
                    database.execute(f"PRAGMA user_version = {self._schema}")
                database.commit()
            database.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
        except BaseException:
            database.close()
            raise
        return database


def _is_broken(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    wrong_shape = isinstance(error, sqlite3.OperationalError) and str(error).startswith(("no such", "table "))
    return isinstance(error, Broken) or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or wrong_shape
