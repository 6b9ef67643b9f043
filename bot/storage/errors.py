"""What can go wrong with the store.

StorageError
├── AlreadyRunning  another program holds this data folder
├── NoDatabase      there is nothing yet that a second program could work on
│   └── NoTables    the same on a server
├── NotNow          nothing was written, and it may be tried again by and by
│   ├── NoRoom      the disk is full
│   ├── NotWritten  the database gave it up itself: no room on its side, a lock held too long
│   └── DatabaseUnreachable the server does not answer, or is gone in the middle of a transaction
├── Broken          what this program has in memory may not be trusted any more: it must end
│   ├── Buried      others have taken over its work
│   ├── DiskFailed  the disk did not write, or not read, what it should
│   └── DatabaseDamaged the file is no sound database; only a backup helps
│       └── BackupDamaged the same of a backup; only another one helps
├── DatabaseRefused the server does not let us do what we must
├── DatabaseUnfit   the server is too old, or the database is of the wrong kind
├── NoDriver        what speaks to PostgreSQL is not installed
├── NotEmpty        where everything should be moved to there is something
├── NotMoved        some of it did not arrive
├── NoBackup        a folder that should be a backup is none, or one without a database
├── SchemaTooOld    an earlier version of this program has made the tables
├── SchemaTooNew    a later version of this program has changed the tables
├── Taken           there is something already where a backup should go
├── WithinItself    a backup should go into the very folder that it copies
└── EventUnreadable what stands in a row is no event
"""

from __future__ import annotations

from pathlib import Path


class StorageError(Exception):
    """The root; nothing raises it itself."""


class AlreadyRunning(StorageError):
    def __init__(self, lock: Path, holder: str) -> None:
        super().__init__(
            f"another visionbot (process {holder or 'unknown'}) holds {lock}; "
            "stop it, or give this one a [storage] data_dir of its own"
        )


class NoDatabase(StorageError):
    def __init__(self, file: Path) -> None:
        super().__init__(
            f"there is no {file}; check [storage] data_dir, or start visionbot once, which makes it"
        )


class NoTables(NoDatabase):
    """The same on a server, where the database stands, but nothing is in it yet."""

    def __init__(self, name: str) -> None:
        StorageError.__init__(
            self,
            f"{name} holds nothing yet; check [storage] url, or start visionbot once, "
            "which makes its tables",
        )


class NotNow(StorageError):
    """Nothing was written, and it may be tried again by and by: nobody's work is given up."""


class NoRoom(NotNow):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"the disk with {folder} is full; delete what is not needed there, or move [storage] "
            "data_dir to a larger disk. Nothing is taken in until there is room"
        )


class NotWritten(NotNow):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} gave up what was being written ({reason}); look at its log, the room on its "
            "disk and who holds its locks. It is tried again"
        )


class Broken(StorageError):
    """What this program has in memory may not be trusted any more: it must end."""


class Buried(Broken):
    def __init__(self, number: int, why: str) -> None:
        super().__init__(
            f"replica {number} {why}, and others take over its work; start visionbot again, which "
            "gives it a new number, and look whether this machine stood still or lost the database"
        )


class DiskFailed(Broken):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"the disk failed under {name} ({reason}); look at it (dmesg, smartctl). What was "
            "confirmed is kept; if the next start finds damage, restore a backup"
        )


class DatabaseUnreachable(NotNow):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} cannot be reached ({reason}); start the server, or check host and port in "
            "[storage] url"
        )


class DatabaseRefused(StorageError):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} refuses ({reason}); check user, password and database in [storage] url, and "
            "that the user may make tables there"
        )


class DatabaseUnfit(StorageError):
    def __init__(self, name: str, finding: str, remedy: str) -> None:
        super().__init__(f"{name} {finding}; {remedy}")


class NoDriver(StorageError):
    def __init__(self) -> None:
        super().__init__(
            "[storage] url names a PostgreSQL database, but asyncpg is not installed; "
            '.venv/bin/pip install -c constraints.txt -e ".[postgres]"'
        )


class DatabaseDamaged(Broken):
    def __init__(self, file: Path, finding: str, backup: Path | None = None) -> None:
        """`backup`: the newest that is known."""
        self.file, self.finding = file, finding
        known = f"{backup}, the newest known" if backup else "FOLDER"
        super().__init__(
            f"{file} is damaged ({finding}); restore it from a backup (visionbot admin restore "
            f"{known}), or move it away to begin with an empty database"
        )


class BackupDamaged(DatabaseDamaged):
    def __init__(self, file: Path, finding: str) -> None:
        super().__init__(file, finding)
        self.args = (f"{file} is damaged ({finding}); take another backup",)


class NoBackup(StorageError):
    def __init__(self, folder: Path, *, of_server: bool) -> None:
        """`of_server`: it was made while the database was on a server."""
        why = "holds no database: that was on a server, which has backups of its own"
        super().__init__(
            f"{folder} {why if of_server else 'is no backup of visionbot'}; "
            "name the folder that `visionbot admin backup` made"
            f"{' with the database in it' if of_server else ''}"
        )


class NotEmpty(StorageError):
    def __init__(self, name: str, table: str) -> None:
        super().__init__(
            f"{name} holds something already (in {table}); name a database that nobody has used "
            "in [storage] url"
        )


class NotMoved(StorageError):
    def __init__(self, table: str, count: int) -> None:
        super().__init__(
            f"not all of the {count} rows of {table} arrived, and nothing was kept; "
            "look at the log of the server, and repeat this"
        )


class SchemaTooOld(StorageError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was written by an earlier version; start visionbot once, which brings it up "
            "to date, and then repeat this"
        )


class SchemaTooNew(StorageError):
    def __init__(self, name: str, revision: str) -> None:
        super().__init__(
            f"{name} has schema {revision!r}, which this version does not know; "
            "install the version of visionbot that wrote it, or restore a backup from before it"
        )


class Taken(StorageError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} exists already; name a folder that does not")


class WithinItself(StorageError):
    def __init__(self, folder: Path, data_dir: Path) -> None:
        super().__init__(
            f"{folder} lies in the data folder {data_dir}, and would be copied into itself; "
            "name a folder outside of it, best on another disk"
        )


class EventUnreadable(StorageError):
    pass
