"""metrics.csv as a screen reads it: while it grows, torn, damaged, of an attempt or published."""

import math
from pathlib import Path

import pytest

from cqltui.results import curves
from cqltui.results.curves import CurveFiles, CurvesRead, CurveSubject, CurveWish
from cqltui.results.rundir import METRICS_HEADER, RunDir, metrics_lines
from trainer.progress import EpochMetrics

TASK, TOKEN = "0a1b2c3d", "1-17"
ATTEMPT = CurveSubject(TASK, 1, TOKEN)
BOTH = ("loss", "val_loss")


def row(epoch: int, loss: float | None = None) -> bytes:
    value = 1.0 / epoch if loss is None else loss
    return metrics_lines(
        [EpochMetrics(epoch, value, 0.1, 0.2, 0.3, 0.4, 1000.0, 0.5 / epoch if epoch % 10 == 0 else None)]
    )


def rows(first: int, last: int) -> bytes:
    return b"".join(map(row, range(first, last + 1)))


@pytest.fixture
def attempt(tmp_path: Path) -> Path:
    """The metrics.csv of an attempt, not there yet."""
    path = RunDir(tmp_path).attempt(TASK, 1, TOKEN) / "metrics.csv"
    path.parent.mkdir(parents=True)
    return path


def read(files: CurveFiles, *subjects: CurveSubject, together: bool = False) -> CurvesRead:
    return files.read(CurveWish(subjects or (ATTEMPT,), BOTH, together))


def losses(found: CurvesRead, task_id: str = TASK) -> dict[int, float]:
    line = found.curves.get((task_id, "loss"))
    return dict(zip(line.epochs, line.values, strict=True)) if line is not None else {}


def test_what_has_come_since_is_added(tmp_path: Path, attempt: Path) -> None:
    files = CurveFiles(tmp_path)
    assert not read(files).curves
    whole = METRICS_HEADER + rows(1, 30)
    attempt.write_bytes(whole[:-9])  # the last row is torn
    first = read(files)
    assert losses(first) == {epoch: 1 / epoch for epoch in range(1, 30)}
    assert list(first.curves[TASK, "val_loss"].epochs) == [10, 20]
    assert read(files).curves[TASK, "loss"] is first.curves[TASK, "loss"]  # nothing new is nothing to draw
    attempt.write_bytes(whole + rows(31, 40))
    assert list(losses(read(files))) == list(range(1, 41))
    assert len(first.curves[TASK, "loss"]) == 29  # what was handed out stays as it was
    attempt.write_bytes(METRICS_HEADER + row(1, loss=7.0))
    assert losses(read(files)) == {1: 7.0}  # another file in its place


@pytest.mark.parametrize("damage", [b"3,1.0\n", b"3,x,0,0,0,0,0,,,\n", b"2" + row(2)[1:], b"9" * 5_000 + b",1\n"])
def test_what_comes_before_damage_is_still_true(tmp_path: Path, attempt: Path, damage: bytes) -> None:
    attempt.write_bytes(METRICS_HEADER + rows(1, 2) + damage + rows(3, 4))
    files = CurveFiles(tmp_path)
    assert list(losses(read(files))) == [1, 2]
    with attempt.open("ab") as file:
        file.write(row(5))
    assert list(losses(read(files))) == [1, 2]


@pytest.mark.parametrize("header", [b"epoch,loss\n", b"epoch," + METRICS_HEADER, b"\n"])
def test_another_table_has_no_curves(tmp_path: Path, attempt: Path, header: bytes) -> None:
    attempt.write_bytes(header + rows(1, 2))
    assert not read(CurveFiles(tmp_path)).curves


def test_infinite_values_and_no_numbers_are_gaps_and_what_was_not_measured_is_none(
    tmp_path: Path, attempt: Path
) -> None:
    attempt.write_bytes(METRICS_HEADER + row(1) + row(2, math.nan) + row(3, math.inf) + rows(4, 10))
    found = read(CurveFiles(tmp_path)).curves
    assert found[TASK, "loss"].unknown == 2
    assert found[TASK, "loss"].stretches() == [(0, 1), (3, 10)]
    assert found[TASK, "val_loss"].unknown == 0


def test_the_file_is_that_of_the_attempt_or_published(tmp_path: Path, attempt: Path) -> None:
    run_dir = RunDir(tmp_path)
    done = CurveSubject(TASK, 1, TOKEN, published=True)
    run_dir.metrics_csv(TASK).write_bytes(METRICS_HEADER + row(1, loss=5.0))
    files = CurveFiles(tmp_path)
    assert losses(read(files, done)) == {1: 5.0}  # `cqltui clean` has removed the attempt's
    assert losses(read(files, ATTEMPT)) == {}  # that is of an earlier run
    attempt.write_bytes(METRICS_HEADER + rows(1, 5))
    assert list(losses(read(CurveFiles(tmp_path), done))) == [1, 2, 3, 4, 5]
    saved = CurveSubject(TASK, 1, TOKEN, epochs=3)
    assert list(losses(read(files, saved))) == [1, 2, 3]
    for name in ("../" + TASK, "", "a/b"):
        assert not read(files, CurveSubject(name, 1, TOKEN), CurveSubject(TASK, 1, name)).curves


def test_a_long_file_is_read_a_part_at_a_time(tmp_path: Path, attempt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "READ_BYTES", 1_000)
    attempt.write_bytes(METRICS_HEADER + rows(1, 100))
    files, seen = CurveFiles(tmp_path), []
    for _ in range(100):
        found = read(files)
        seen.append(len(losses(found)))
        if not found.unfinished:
            break
    assert seen[-1] == 100
    assert 5 < len(seen) < 20
    assert seen[0] < 40


def test_a_line_without_an_end_is_given_up(tmp_path: Path, attempt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "READ_BYTES", 1_000)
    attempt.write_bytes(METRICS_HEADER + rows(1, 2) + b"3" * 5_000)
    files = CurveFiles(tmp_path)
    assert read(files).unfinished
    for _ in range(3):
        found = read(files)
    assert not found.unfinished
    assert list(losses(found)) == [1, 2]


def test_many_epochs_are_thinned_and_keep_the_best(tmp_path: Path, attempt: Path) -> None:
    values = [row(epoch, loss=-5.0 if epoch == 4_321 else 1.0 + epoch % 3) for epoch in range(1, 9_001)]
    attempt.write_bytes(METRICS_HEADER + b"".join(values))
    line = read(CurveFiles(tmp_path)).curves[TASK, "loss"]
    assert len(line) <= curves.POINTS
    assert line.best() == (4_321, -5.0)
    assert (line.epochs[0], line.epochs[-1]) == (1, 9_000)


def test_a_group_has_its_band(tmp_path: Path) -> None:
    subjects = []
    for number, loss in enumerate((1.0, 2.0, 4.0)):
        subject = CurveSubject(f"task{number}", 1, TOKEN)
        path = RunDir(tmp_path).attempt(subject.task_id, 1, TOKEN)
        path.mkdir(parents=True)
        (path / "metrics.csv").write_bytes(METRICS_HEADER + row(1, loss) + row(2, loss + 1))
        subjects.append(subject)
    found = read(CurveFiles(tmp_path), *subjects, together=True)
    assert list(found.bands["loss"].middle.values) == [2, 3]
    assert "val_loss" not in found.bands
    assert not read(CurveFiles(tmp_path), *subjects).bands
