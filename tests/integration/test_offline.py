"""The server away, the supervisor away, two of each: what screens and lines say of it, and how they recover."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cqltui.broker.server.launch import find_binary
from cqltui.results.rundir import read_json
from tests.contract.servers import answers, free_port
from tests.integration.command import Command
from tests.integration.place import LASTING, TASKS, TWO, Place, Trained, until
from tests.integration.terminal import Terminal

Screen = Callable[..., Terminal]
LONG = ("small.toml", "--set", "phase.quality.epochs=100000", *LASTING)
FAIR = ("small.toml", "--set", "phase.quality.epochs=300", "--set", "trainer.epochs=4")
STOPPED = "the same campaign command goes on where it stopped"


def header(screen: str) -> str:
    """The first lines."""
    return "\n".join(screen.splitlines()[:4])


def says(*words: str) -> Callable[[str], bool]:
    """Whether the header has the words."""
    return lambda screen: all(word in header(screen) for word in words)


def done(screen: str) -> int:
    """Epochs done of the first phase."""
    found = re.search(r"([\d,]+)/200,000", screen)
    return int(found[1].replace(",", "")) if found else 0


def runs(place: Place, terminal: Terminal) -> None:
    """Wait until a task is under way, and the screen shows it."""
    terminal.wait(lambda screen: place.under_way() and done(screen), "a task under way")


def test_a_server_that_hangs_and_a_supervisor_that_is_killed_are_said_and_recovered_from(
    place: Place, screen: Screen
) -> None:
    place.slow_down()
    terminal = screen(*LONG)
    runs(place, terminal)
    lines, events = place.start("attach", "--no-ui"), place.start("attach", "--json")
    until(lambda: "campaign small" in lines.err and '"snapshot"' in events.out, "two who follow")
    server = place.server_pid()
    os.kill(server, signal.SIGSTOP)
    terminal.wait(says("○ offline", "has not answered since", "last "), "what is wrong, and what is stale")
    known = done(terminal.text())
    so_far = len(terminal.output)
    terminal.press("p")
    terminal.wait(lambda _: terminal.told("nothing was asked", so_far), "an answer to the key")
    terminal.press("q")
    terminal.wait(lambda text: "Stop: checkpoint" in text, "the dialog")
    so_far = len(terminal.output)
    terminal.press("s")
    terminal.wait(lambda text: "Stop: checkpoint" not in text, "the dialog's end")
    terminal.wait(lambda _: terminal.told("nothing was asked", so_far), "the same answer")
    until(lambda: is_told_offline(lines) and is_told_offline(events), "the followers know")
    os.kill(server, signal.SIGCONT)
    terminal.wait(says("● online", "running", "ETA "), "the server is back")
    terminal.wait(lambda text: done(text) > known, "what was trained meanwhile")
    until(lambda: "server answers" in lines.err.partition("does not answer")[2], "the line")
    until(lambda: '"online":true' in events.out.partition('"online":false')[2], "the event")
    assert {task.life.attempt for task in place.look().tasks.values()} <= {0, 1}, "no task was interrupted"

    workers = place.worker_pids()
    os.kill(supervisor(place), signal.SIGKILL)
    terminal.wait(says("unsupervised", "No supervisor runs: start the same campaign command again"), "what is wrong")
    until(lambda: "no supervisor runs" in lines.err, "the line")
    known = done(terminal.text())
    terminal.wait(lambda screen: done(screen) > known, "workers go on without one")
    os.kill(place.server_pid(), signal.SIGKILL)
    terminal.wait(says("No supervisor, and no server since"), "what else is wrong")
    again = place.start(*LONG, "--no-ui")
    terminal.wait(says("● online", "running", "ETA "), "the run is supervised again")
    until(lambda: "supervised again" in lines.err, "the line")
    until(lambda: place.worker_pids() == workers, "the workers, taken over")
    place.ask("stop")
    for command in (again, lines, events):
        command.ends(4)
        assert "Traceback" not in command.err
    terminal.press("q")
    assert terminal.wait_end() == 4
    assert "Traceback" not in terminal.text()
    assert STOPPED in terminal.text()


def is_told_offline(follower: Command) -> bool:
    """Whether one that prints has printed that the server is away."""
    return "server does not answer" in follower.err or '"online":false' in follower.out


class OwnServer:
    """The user's own server, with no data on disk: one that is killed has forgotten everything."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.begin()

    def begin(self) -> None:
        """Start it, at the same place as before."""
        config = f'port {self._port}\nbind 127.0.0.1\nsave ""\nappendonly no\ndir {self._folder}\n'
        self._process = subprocess.Popen(
            [find_binary(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=self._folder
        )
        assert self._process.stdin is not None
        with self._process.stdin as stdin:
            stdin.write(config.encode())
        until(lambda: answers(self.url), "the user's server")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(60)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[OwnServer]:
    """A server of the user's."""
    made = OwnServer(tmp_path)
    yield made
    made.kill()


def test_a_server_that_comes_back_empty_is_filled_under_a_screen(own_server: OwnServer, tmp_path: Path) -> None:
    place = Place(tmp_path / "place", own_server.url)
    place.slow_down()
    argv = [sys.executable, "-m", "cqltui", *FAIR]
    terminal = Terminal(argv, place.folder, {**place.environment, "REDIS_URL": own_server.url})
    try:
        terminal.wait(lambda _: place.under_way(), "a task under way")
        own_server.kill()
        terminal.wait(says("○ offline", "has not answered since"), "what is wrong")
        own_server.begin()
        terminal.wait(says("● online", "running"), "the run goes on")
        place.speed_up()
        terminal.wait(says("finished"), "the end of the run")
        assert f"{TASKS}/{TASKS} done" in header(terminal.text())
        terminal.press("q")
        assert terminal.wait_end() == 0
        assert "Traceback" not in terminal.text()
        place.check_journal()
        assert not (place.run_dir.server / "connection.json").exists(), "no server of ours was started"
    finally:
        terminal.close()
        place.end_all()


def supervisor(place: Place) -> int:
    """The process of the run's supervisor."""
    said = read_json(place.run_dir.path / "supervisor.json")
    assert said is not None, "there is no supervisor"
    return int(said["pid"])


def test_two_screens_that_start_at_once_show_one_run(place: Place, screen: Screen) -> None:
    place.slow_down()
    first, second = screen(*LONG), screen(*LONG)
    for terminal in (first, second):
        terminal.wait(says("● online", "running"), "the run")
    until(place.worker_pids, "the worker")
    assert place.log("supervisor").count("started worker w1") == 1
    place.ask("stop")
    for terminal in (first, second):
        terminal.press("q")
        assert terminal.wait_end() == 4


def test_a_worker_started_under_an_id_in_use_gets_it(place: Place, expected: dict[str, Trained]) -> None:
    place.slow_down()
    run = place.begin(*TWO)
    until(lambda: len(place.running()) == 2, "two tasks under way")
    ours = place.worker_pids()["w1"]
    hand = place.start("worker", "--worker-id", "w1", "--poll-interval", "0.1", "--device", "cpu")
    until(lambda: place.worker_pids().get("w1") == hand.pid, "the id's new holder")
    place.speed_up()
    run.ends(0)
    hand.send(signal.SIGTERM)
    hand.ends(0)
    assert place.trained() == expected
    assert "another process works under the id w1" in place.log("w1")
    started = [line["data"]["pid"] for line in place.journal() if line["kind"] == "worker.started"]
    assert started.count(hand.pid) == 1
    assert [pid for pid in started if pid not in (ours, hand.pid)] == [place_w2(place)], "nobody fights for the id"
    notices = [line["data"]["text"] for line in place.journal() if line["kind"] == "notice"]
    assert f"worker w1 has left: another works under its id (process {hand.pid} on" in "".join(notices)
    place.check_journal()


def place_w2(place: Place) -> int:
    """The process of the other worker, which started once."""
    (started,) = [x for x in place.journal() if x["kind"] == "worker.started" and x["worker"] == "w2"]
    return int(started["data"]["pid"])
