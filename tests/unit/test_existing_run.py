"""Which run a command is about that names none."""

from pathlib import Path

import pytest

from cqltui.app.options import existing_run
from cqltui.broker.server.locks import FileLock
from cqltui.errors import InputError


def made(*names: str) -> None:
    for name in names:
        (Path("runs") / name).mkdir(parents=True)
        (Path("runs") / name / "campaign.json").write_text("{}", encoding="ascii")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_only_one() -> None:
    made("night", "night.old-1", "night.old-12")
    assert existing_run(None).path == Path("runs/night").absolute()


def test_one_that_was_put_aside_if_there_is_no_other() -> None:
    made("night.old-1")
    assert existing_run(None).path.name == "night.old-1"


def test_the_only_one_that_runs() -> None:
    made("deep", "night", "quick")
    with pytest.raises(InputError, match=r"several runs, name one:\n.*runs/deep\n.*runs/night\n.*runs/quick"):
        existing_run(None)
    locks = [FileLock(Path("runs") / name / "supervisor.lock") for name in ("night", "deep")]
    try:
        assert locks[0].try_exclusive()
        assert existing_run(None).path.name == "night"
        assert locks[1].try_exclusive()
        with pytest.raises(InputError, match="several runs"):
            existing_run(None)
    finally:
        for lock in locks:
            lock.close()
