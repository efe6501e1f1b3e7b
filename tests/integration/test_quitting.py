"""Leaving, draining and stopping, from the screen and from elsewhere: what is said is so, whoever dies meanwhile."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil

from cqltui.results.rundir import read_json, write_json
from tests.integration.place import TASKS, Place, Trained, until
from tests.integration.sessions import ONE
from tests.integration.terminal import Terminal

Screen = Callable[..., Terminal]
LONG = ("small.toml", "--set", "phase.quality.epochs=100000")
"""The task that runs first goes on until it is stopped."""
PATIENT = ("small.toml", "--set", "workers.lease_s=60")
"""Its worker can be stopped (SIGSTOP) for as long as the screen takes, and keeps its task."""


def header(screen: str) -> str:
    """The first lines."""
    return "\n".join(screen.splitlines()[:3])


def says(word: str) -> Callable[[str], bool]:
    """Whether the header has the word."""
    return lambda screen: word in header(screen)


def supervisor(place: Place) -> int:
    """The process of the run's supervisor."""
    said = read_json(place.run_dir.path / "supervisor.json")
    assert said is not None, "there is no supervisor"
    return int(said["pid"])


def leave(terminal: Terminal, key: str) -> None:
    """Open the dialog and choose."""
    terminal.press("q")
    terminal.wait(lambda screen: "Stop: checkpoint" in screen, "the dialog")
    terminal.press(key)


def ended_with(terminal: Terminal, code: int) -> str:
    """Wait for the screen's end; what it left on the terminal."""
    assert terminal.wait_end() == code, terminal.text()
    assert "Traceback" not in terminal.text()
    return terminal.text()


def done(place: Place) -> int:
    """Tasks whose results are in the run directory."""
    return len(place.trained())


def test_drained_from_the_screen_it_tells_what_happens_and_what_is_left(place: Place, screen: Screen) -> None:
    terminal = screen(*PATIENT)
    terminal.wait(lambda _: place.under_way(), "a task under way")
    _, worker = place.freeze()
    leave(terminal, "d")
    terminal.wait(lambda text: "running tasks end first" in text, "what is waited for")
    terminal.wait(lambda text: "campaign drains" in text, "what happens")
    os.kill(worker, signal.SIGCONT)
    said = ended_with(terminal, 4)
    assert f"drained: 1 of {TASKS} tasks are done, 5 left; the same campaign command goes on" in said
    assert done(place) == 1
    assert place.processes() == []
    place.check_journal()


def test_a_drain_that_ends_the_last_task_has_ended_the_run(place: Place, screen: Screen) -> None:
    one = ONE.replace('"one"', '"small"').replace("epochs = 1000000", "epochs = 600")
    place.campaign.write_text(one, encoding="utf-8")
    terminal = screen("small.toml")
    terminal.wait(lambda _: place.under_way(), "the only task under way")
    leave(terminal, "d")
    assert "all tasks have ended" in ended_with(terminal, 0)
    assert done(place) == 1


def test_what_is_asked_elsewhere_is_shown_and_ctrl_c_only_asks(place: Place, screen: Screen) -> None:
    place.slow_down()
    first = screen(*LONG)
    first.wait(lambda _: place.under_way(), "a task under way")
    second = screen(*LONG)
    second.wait(says("running"), "the same run, on a second screen")
    for command, shown in (("pause", "paused"), ("resume", "running")):
        place.ask(command)
        for terminal in (first, second):
            terminal.wait(says(shown), f"{shown} on both screens")
    first.press("\x03")
    first.wait(lambda text: "Leave it running" in text, "a question: Ctrl-C ends nothing")
    first.press("b")
    assert "the run goes on; see it again with" in ended_with(first, 0)
    assert place.under_way()
    stopped = place.ask("stop")
    assert f"stopped: 0 of {TASKS} tasks are done, {TASKS} left" in stopped.err
    second.wait(lambda text: says("stopped")(text) and "ended " in header(text), "a run that was stopped")
    second.press("q")
    assert "the same campaign command goes on where it stopped" in ended_with(second, 4)
    assert place.processes() == []


def test_a_drain_without_its_supervisor_comes_to_its_end_all_the_same(place: Place, screen: Screen) -> None:
    terminal = screen(*PATIENT)
    terminal.wait(lambda _: place.under_way(), "a task under way")
    _, worker = place.freeze()
    leave(terminal, "d")
    terminal.wait(lambda text: "campaign drains" in text, "the drain")
    os.kill(supervisor(place), signal.SIGKILL)
    os.kill(worker, signal.SIGCONT)
    said = ended_with(terminal, 4)
    assert "no supervisor runs: its workers are asked from here" in said
    assert f"drained: 1 of {TASKS} tasks are done, 5 left" in said
    assert place.processes() == [], "no worker waits for another task"


def test_a_stop_comes_to_its_end_whoever_was_killed(place: Place, expected: dict[str, Trained]) -> None:
    quick = place.environment
    place.slow_down()
    victims: tuple[str, ...]
    for victims in (("server",), ("supervisor", "server")):
        run = place.begin()
        until(place.under_way, "a task under way")
        pids = {"server": place.server_pid(), "supervisor": run.pid}
        for victim in victims:
            os.kill(pids[victim], signal.SIGKILL)
        stop = place.ask("stop")
        assert "stopped: " in stop.err
        assert ("no supervisor runs" in stop.err) == ("supervisor" in victims)
        run.ends(-signal.SIGKILL if "supervisor" in victims else 4)
        assert place.processes() == [], victims
    assert "nothing runs here" in place.ask("stop").err
    place.environment = quick
    place.complete()
    assert "campaign small has ended; there is nothing to stop" in place.ask("stop").err
    assert place.trained() == expected
    place.check_journal()


def test_commands_reach_workers_that_nobody_supervises(place: Place) -> None:
    place.slow_down()
    run = place.start(*LONG, "--no-ui")
    until(place.under_way, "a task under way")
    run.kill()
    assert "no supervisor runs" in place.ask("status").out
    assert "the campaign is paused" in place.ask("pause").err
    until(lambda: not place.running(checkpointed=False), "workers that heed it")
    assert "the campaign is running" in place.ask("resume").err
    until(lambda: place.running(checkpointed=False), "workers that go on")
    place.ask("stop")
    refused = place.ask("pause", code=3)
    assert "nothing runs here" in refused.err


def test_after_a_reboot_the_same_command_goes_on(place: Place, expected: dict[str, Trained]) -> None:
    place.begin()
    until(lambda: place.under_way() and place.trained(), "a result, and a task under way")
    server = read_json(place.run_dir.server / "connection.json")
    assert server is not None
    place.end_all()
    kept = {task_id: place.result(task_id)["token"] for task_id in place.trained()}
    # Pids have been given to others since, and the socket is nobody's.
    other = psutil.Process(os.getpid())
    reused = {"pid": other.pid, "create_time": other.create_time(), "ready": True}
    write_json(place.run_dir.path / "supervisor.json", reused)
    write_json(place.run_dir.server / "connection.json", server | {"pid": other.pid, "start_time": other.create_time()})
    (place.run_dir.server / "server.pid").write_text(f"{other.pid}\n", encoding="ascii")
    assert Path(server["socket"]).exists(), "a killed server leaves its socket"
    assert "no supervisor runs" in place.ask("status").out
    assert "nothing runs here" in place.ask("stop").err
    place.complete()
    assert place.trained() == expected
    assert {task_id: place.result(task_id)["token"] for task_id in kept} == kept, "what was done stays done"
    place.check_journal()
    assert place.processes() == []
