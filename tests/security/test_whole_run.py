"""One run under all that surrounds it and must change nothing: the widest umask, a link of ours to its folder (on a
larger disk, say) in which an earlier start was cut off, and a backup of it by other names (`cp -al`) beside which it
goes on."""

import os
import subprocess
from pathlib import Path

from tests.integration.place import Place
from tests.integration.sessions import ONE
from tests.security.test_hard_links import content
from tests.security.test_links_and_modes import modes
from tests.security.test_run_directory_is_one import damaged, empty


def begins_and_ends(place: Place, *arguments: str) -> None:
    """The whole run, under the widest umask."""
    before = os.umask(0)
    try:
        run = place.begin("--workers", "1", *arguments)
    finally:
        os.umask(before)
    run.ends(0)


def test_a_run_is_ours_alone_to_write_by_a_link_of_ours_and_beside_its_backup(tmp_path: Path) -> None:
    file, disk, backup = (tmp_path / name for name in ("one.toml", "disk", "backup"))
    file.write_text(ONE.replace("epochs = 1000000", "epochs = 2"), encoding="utf-8")
    place = Place(tmp_path / "place", campaign=file)
    disk.mkdir()
    empty(disk)
    damaged(disk)
    for name in ("logs", "server", "tasks"):
        (disk / name).rmdir()  # by this umask too
    place.run_dir.path.parent.mkdir()
    place.run_dir.path.symlink_to(disk)
    try:
        begins_and_ends(place)
        assert (disk / "results" / "summary.txt").is_file()
        first = place.trained()
        found = modes(disk)
        subprocess.run(["cp", "-al", str(disk), str(backup)], check=True)
        before = content(backup)
        begins_and_ends(place, "--set", "phase.quality.epochs=4")
    finally:
        place.end_all()
    assert content(backup) == before
    assert len(first) == 1
    assert len(place.trained()) > 1
    assert place.run_dir.path.is_symlink()

    assert {name: oct(mode) for name, mode in found.items() if mode & 0o022} == {}
    private = {name: oct(mode) for name, mode in found.items() if name.split("/")[0] == "server"}
    assert {name for name, mode in private.items() if int(mode, 8) & 0o077} == set(), private
    assert found["campaign.json"] == found["logs/w1.log"] == 0o644, "a colleague may look"
    assert found["tasks"] == 0o755
