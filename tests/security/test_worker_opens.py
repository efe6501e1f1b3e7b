"""A server that is not to be trusted: a worker opens the file that its own side names, writes where its own side says,
and what a file holds stays on the worker's machine."""

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
from msgspec import to_builtins
from msgspec.structs import replace

import cqltui
from cqltui.app.joining import place_of
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.server.epoch import open_epoch
from cqltui.commands import worker
from cqltui.errors import ExitCode, InputError
from cqltui.machine import here
from cqltui.results.rundir import STAYS, RunDir, write_json
from cqltui.state.model import Status
from cqltui.supervisor.lastwords import last_words
from cqltui.worker.datafile import NO_ROOT, DataSource
from cqltui.worker.main import Worker, WorkerOptions
from cqltui.worker.session import Session
from tests.contract.helpers import eventually, life, state
from tests.contract.servers import user_server
from tests.integration.sessions import ONE, OneTask
from tests.trainer.test_data_logged import bets, config, write
from trainer import data
from trainer.config import DataConfig
from trainer.data.types import DataError

SECRET = "hunter2-the-secret"
CREATED_TS = 1_700_000_000.25


SECRET_WORD = "correct-horse"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A private file that might be taken for a table."""
    rows = [dict.fromkeys(bets()[0], SECRET) for _ in range(4)]
    return write(tmp_path / "secret.csv", rows)  # type: ignore[arg-type]  # text where numbers belong


@pytest.fixture
def one(queue: Queue, tmp_path: Path) -> OneTask:
    return logged(queue, tmp_path)


def logged(queue: Queue, tmp_path: Path) -> OneTask:
    """A claimed task of a campaign with a file, in a run directory that names it."""
    write(tmp_path / "bets.csv", bets(600))
    made = OneTask(queue, tmp_path, ONE.replace('source = "simulated"', 'source = "logged"\npath = "bets.csv"'))
    write_json(made.run_dir.campaign_json, {"data_path": str(tmp_path / "bets.csv")})
    return made


def told(one: OneTask, **changed: object) -> str:
    """What becomes known of the task once the server has changed its data's settings."""
    spec = dict(one.claim.spec)
    spec["data"] = {**spec["data"], **changed}
    Session(one.context, [replace(one.claim, spec=spec)]).run()
    found = life(one.queue, one.claim.id)
    assert found.status is Status.DEAD
    return found.error


def test_another_path_on_the_server_opens_nothing(one: OneTask, secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path | None] = []

    def load(config: Any) -> Any:
        opened.append(config.path)
        raise DataError("that will do")

    monkeypatch.setattr(data, "load", load)
    told(one, path=str(secret))
    assert opened == [secret.with_name("bets.csv")]


@pytest.mark.parametrize("changed", [{"source": "games"}, {"state_cols": [["edge", "nothing"]]}, {}])
def test_no_content_of_a_file_is_told(
    one: OneTask, secret: Path, changed: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    write_json(one.run_dir.campaign_json, {"data_path": str(secret)})  # as if it were the campaign's own
    error = told(one, **changed)
    assert "secret.csv" in error
    for content in (SECRET, "b_prob", str(secret.parent)):
        assert content not in error
    if not changed:
        assert (
            error
            == "DataError: secret.csv, column 'spread_close', row 2: the data cannot be used; the worker's log says why"
        )
    assert STAYS in caplog.text


def test_what_the_log_quotes_is_not_among_a_dead_workers_last_words(tmp_path: Path) -> None:
    log = tmp_path / "w1.log"
    log.write_text(f"12:00 INFO claims\n12:00 ERROR {STAYS} DataError: '{SECRET}' is not a number\nend\n", "utf-8")
    assert last_words(log) == ["12:00 INFO claims", "end"]


def test_a_server_that_names_a_file_where_the_run_has_none(one: OneTask, secret: Path) -> None:
    write_json(one.run_dir.campaign_json, {"data_path": None})
    assert "secret.csv: the server names a file, but the run's campaign.json names none" in told(one, path=str(secret))


def test_the_campaign_json_of_an_earlier_version_names_the_file_too(tmp_path: Path) -> None:
    file = write(tmp_path / "bets.csv", bets(40))
    run_dir, digest = RunDir(tmp_path / "run"), data.load(config(file)).digest()
    write_json(run_dir.campaign_json, {"campaign": {"data": {"path": str(file)}}})
    assert DataSource(run_dir).load(config(Path("/elsewhere/bets.csv")), digest).digest() == digest


class Opened:
    """The files of a folder that this process opens, by the interpreter's own events."""

    def __init__(self, folder: Path) -> None:
        self.paths: list[str] = []
        self._folder = str(folder)
        self._is_on = True
        sys.addaudithook(self._hook)  # for ever: it cannot be removed

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_on and event == "open" and str(arguments[0]).startswith(self._folder):
            self.paths.append(str(arguments[0]))

    def end(self) -> None:
        """Look no longer."""
        self._is_on = False


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    watch = Opened(tmp_path / "private")
    yield watch
    watch.end()


def test_on_another_machine_no_path_of_the_servers_is_opened(tmp_path: Path, opened: Opened) -> None:
    (private := tmp_path / "private").mkdir()
    file = write(private / "bets.csv", bets(40))
    digest = data.load(config(file)).digest()
    assert set(opened.paths) == {str(file)}, "what is opened is seen"
    opened.paths.clear()
    os.mkfifo(private / "pipe")
    for path in (file, private / "missing.csv", private, private / "pipe", Path("/dev/zero"), Path("nul\0.csv")):
        with pytest.raises(DataError) as raised:
            DataSource().load(config(path), digest)
        assert str(raised.value) == f"{path.name}: {NO_ROOT}", "that there is such a file is not told either"
    assert opened.paths == []
    assert DataSource(root=private).load(config(file), digest).digest() == digest
    assert DataSource().load(DataConfig(), data.load(DataConfig()).digest()), "simulated data needs no file"


def test_a_folder_of_data_is_not_left(tmp_path: Path, secret: Path) -> None:
    root = tmp_path / "root"
    (root / "of").mkdir(parents=True)
    file = write(root / "bets.csv", bets(40))
    write(root / "of" / "bets.csv", bets(40))
    (root / "secret.csv").symlink_to(secret)
    source, digest = DataSource(root=root), data.load(config(file)).digest()
    for said in ("/elsewhere/bets.csv", "bets.csv", "of/bets.csv", str(secret.with_name("bets.csv"))):
        assert source.load(config(Path(said)), digest).digest() == digest
    for said in ("../secret.csv", "of/../bets.csv", "/elsewhere/secret.csv", "secret.csv", "/elsewhere/.."):
        with pytest.raises(DataError, match="leads out of --data-root"):
            source.load(config(Path(said)), digest)
    for said in (str(secret.with_name("other.csv")), "/", "nul\0.csv"):
        with pytest.raises(DataError, match="the data cannot be used"):
            source.load(config(Path(said)), digest[::-1])
    file.rename(root / "renamed.csv")
    (root / "of" / "bets.csv").unlink()
    assert source.load(config(Path("/elsewhere/bets.csv")), digest).digest() == digest, "it is known by what is in it"
    (root / "renamed.csv").rename(tmp_path / "renamed.csv")
    (root / "linked.csv").symlink_to(tmp_path / "renamed.csv")
    with pytest.raises(DataError, match="the data cannot be used"):
        source.load(config(Path("/elsewhere/bets.csv")), digest)


def test_a_worker_elsewhere_without_a_folder_of_data_leaves_the_task_to_others(
    one: OneTask, queue: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    monkeypatch.setattr(data, "load", lambda config: pytest.fail(f"{config.path} is opened"))
    assert queue.release(one.claim.id, one.claim.token)
    elsewhere = Worker(queue, Queue(queue.client), one.run_dir, WorkerOptions("lap", "cpu", hands_over=True))
    with pytest.raises(InputError) as raised:
        elsewhere.run()
    why = f"bets.csv: {NO_ROOT}"
    assert "--data-root DIR" in why
    assert (str(raised.value), raised.value.exit_code) == (why, ExitCode.INPUT)
    found = life(queue, one.claim.id)
    assert (found.status, found.error) == (Status.QUEUED, ""), "others may have the file"
    assert f"worker lap on {socket.gethostname()} leaves, and gives its tasks back: {why}" in one.notices()
    assert why in caplog.text
    assert "lap" not in state(queue).workers


def test_the_command_of_such_a_worker_ends_with_exit_code_2(tmp_path: Path) -> None:
    with user_server(tmp_path / "server", f"requirepass {SECRET_WORD}") as port:
        url = f"redis://:{SECRET_WORD}@127.0.0.1:{port}/0"
        with redis.Redis.from_url(url) as client:
            open_epoch(client, tmp_path / "epoch")
            _its_command(logged(Queue(client), tmp_path), url, tmp_path)


def _its_command(one: OneTask, url: str, tmp_path: Path) -> None:
    """Without a folder of data it leaves with exit code 2, with one it trains."""
    one.queue.set_campaign({"name": "one", "run_dir": "/nowhere", "started_ts": 1.0})
    assert one.queue.release(one.claim.id, one.claim.token)
    command = [sys.executable, "-m", "cqltui", "worker", "--worker-id", "lap", "--device", "cpu"]
    (folder := tmp_path / "lap").mkdir()
    environment = {**os.environ, "REDIS_URL": url, "PYTHONPATH": str(Path(cqltui.__file__).parents[1])}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == ExitCode.INPUT, ended.stderr
    assert ended.stderr == f"cqltui: bets.csv: {NO_ROOT}\n"
    assert NO_ROOT in (folder / "runs" / "one@lap" / "logs" / "lap.log").read_text(encoding="utf-8")
    with subprocess.Popen([*command, "--data-root", str(tmp_path)], cwd=folder, env=environment) as trains:
        try:
            eventually(lambda: one.noted_epoch > 0, 60)
        finally:
            trains.terminate()
    assert trains.returncode == 0


class Said:
    """A server that says where a run is."""

    def __init__(self, run_dir: Path, name: str = "night") -> None:
        self.queue = self
        self._said = {"name": name, "run_dir": str(run_dir), "started_ts": CREATED_TS, "process": to_builtins(here())}

    def campaign(self) -> Mapping[str, Any]:
        """The description."""
        return self._said


def place(run_dir: Path, name: str = "night") -> tuple[RunDir, bool]:
    """Where a worker writes then."""
    return place_of(Said(run_dir, name), "w1")  # type: ignore[arg-type]  # of a server, only what it says


def test_a_run_directory_that_a_server_names_is_looked_at_before_it_is_used(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    write_json(mine / "campaign.json", {"created_ts": CREATED_TS, "campaign": {"name": "night"}})
    assert place(mine) == (RunDir(mine), True)
    (tmp_path / "link").symlink_to(mine)
    assert place(tmp_path / "link") == (RunDir(mine), True), "what is meant, once and for all"
    other = (RunDir((Path("runs") / "day@w1").absolute()), False)
    assert place(mine, "day") == other, "another campaign's"
    planted = tmp_path / "planted"
    planted.mkdir()
    (planted / "campaign.json").symlink_to(mine / "campaign.json")
    elsewhere = (RunDir((Path("runs") / "night@w1").absolute()), False)
    assert place(planted) == elsewhere
    assert place(Path("nul\0")) == elsewhere
    if os.getuid() == 0:
        os.chown(mine, 12345, 12345)
        assert place(mine) == elsewhere, "another user's"


def test_a_workers_own_folder_is_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "night@w1").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"runs/night@w1: is a link, which is not written to; remove it"):
        place(Path("/nowhere"))


def test_it_is_closed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "runs" / "night@w1"
    for folder in (own, own / "logs", own / "tasks"):
        folder.mkdir(parents=True)
        folder.chmod(0o777)
    assert place(Path("/nowhere")) == (RunDir(own), False)
    assert {folder.stat().st_mode & 0o022 for folder in (own, own / "logs", own / "tasks")} == {0}
    (own / "tasks").rmdir()
    (own / "tasks").symlink_to(tmp_path)
    with pytest.raises(InputError, match="night@w1/tasks: is a link"):
        place(Path("/nowhere"))


def test_the_folder_of_data_has_to_be_there(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    worker.add_arguments(parser)
    asked = parser.parse_args(["--worker-id", "w1", "--data-root", str(tmp_path / "missing")])
    with pytest.raises(InputError, match=r"--data-root: .*missing: there is no such folder"):
        worker.run(asked)


def test_the_folder_of_data_reaches_what_loads_it(
    one: OneTask, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    made = Worker(queue, queue, one.run_dir, WorkerOptions("w2", "cpu", data_root=tmp_path))
    assert made._context.data_root == tmp_path
    one.context.data_root = tmp_path / "empty"
    assert "bets.csv: the data cannot be used; the worker's log says why" in told(one)
