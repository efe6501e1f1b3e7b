"""The campaign file is edited from the screen while the run goes on, and the run goes on with what it says then."""

import os
import stat
from pathlib import Path

import pytest

from cqltui.app.editing import RunFile, editor
from cqltui.broker.server.access import Server
from cqltui.errors import CqltuiError, InputError
from cqltui.results.rundir import RunDir
from tests.integration.place import TASKS, Place, until


@pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning")  # the supervisor outlives who has started it
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_goes_on_with_the_changed_file(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)  # where the new supervisor works, so that it is found
    place.slow_down()
    run = place.begin("--set", "epochs_scale=1.0")
    until(place.under_way, "a task under way")
    server = Server(place.run_dir.path, None)
    try:
        file = RunFile(place.run_dir, None, lambda: server.queue)
        path = file.path()
        assert path == place.campaign
        assert file.changes().lines == ()
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("seed", "sead"), encoding="utf-8")
        with pytest.raises(InputError) as wrong:
            file.changes()
        assert f"{path}:13: trainer.sead: unknown key" in str(wrong.value)
        path.write_text(text.replace("to = 2", "to = 3"), encoding="utf-8")
        changes = file.changes()
        assert any("1 new" in line for line in changes.lines)
        told: list[str] = []
        file.apply(changes, told.append)
        assert [line.split(maxsplit=1)[0] for line in told] == ["Stopping"]
        run.ends(4)
        assert file.supervised is not None
        file.supervised()  # the one that is there: it is of this file
    finally:
        server.leave()
    until(lambda: len(place.trained()) == len(_ended(place)) == TASKS + 1, "all tasks, the new one among them")
    assert sorted(_ended(place)) == sorted(place.trained()), "nothing was trained twice"


def _ended(place: Place) -> list[str]:
    """Tasks that the journal says are done: a result is in its place a moment before."""
    return [line["task"] for line in place.journal() if line["kind"] == "task.done"]


def test_a_file_that_is_not_known_or_not_here(tmp_path: Path) -> None:
    def none() -> None:
        raise AssertionError("nobody is asked")

    run_dir = RunDir(tmp_path / "run")
    file = RunFile(run_dir, None, none)  # type: ignore[arg-type]
    with pytest.raises(CqltuiError, match="is not here: edit the campaign file where the run is"):
        file.path()
    run_dir.path.mkdir(mode=0o700)
    for said, why in (
        ('{"campaign": {"path": "deep.toml"}}', "does not say"),
        ('{"campaign_path": "/no"}', "no longer"),
    ):
        run_dir.campaign_json.write_text(said, encoding="utf-8")
        with pytest.raises(CqltuiError, match=why):
            file.path()


def test_the_editor_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "my editor"
    script.write_text('#!/bin/sh\necho "$@" >"$0.out"\nexit 3\n', encoding="utf-8")
    script.chmod(stat.S_IRWXU)
    monkeypatch.setenv("EDITOR", "nothing-at-all")
    monkeypatch.setenv("VISUAL", f"'{script}' -x")
    file = RunFile(RunDir(tmp_path), None, lambda: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(CqltuiError, match="exit code 3"):
        file.edit(tmp_path / "a file")
    assert (tmp_path / "my editor.out").read_text(encoding="utf-8").startswith("-x /")
    monkeypatch.delenv("VISUAL")
    with pytest.raises(CqltuiError, match="nothing-at-all: cannot be started"):
        file.edit(tmp_path)
    monkeypatch.setenv("EDITOR", "'unfinished")
    with pytest.raises(CqltuiError, match="is no command"):
        editor()
    monkeypatch.setenv("EDITOR", "")
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    with pytest.raises(CqltuiError, match="set EDITOR"):
        editor()
