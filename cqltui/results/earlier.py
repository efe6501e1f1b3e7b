"""results/earlier/: tables and summaries of what a run was before its file changed. Nothing there is overwritten."""

from collections.abc import Collection
from pathlib import Path

from cqltui.results.rundir import RunDir
from trainer.files import make_folder, replace_file

OURS = ("phase*_results.csv", "summary.json", "summary.txt", "answers.json")


def keep_earlier(run_dir: RunDir, but: Collection[Path] = ()) -> list[Path]:
    """Move the results there, but for those named, with a number that no earlier ones have; their new paths.

    The campaign.json that made them is copied beside them. Raises OSError.
    """
    found = sorted(path for pattern in OURS for path in run_dir.results.glob(pattern) if path not in but)
    if not found:
        return []
    make_folder(run_dir.earlier)
    number = _free_number(run_dir.earlier)
    if run_dir.campaign_json.is_file():
        replace_file(run_dir.campaign_json, run_dir.earlier / f"campaign-{number}.json")
    return [path.rename(run_dir.earlier / f"{path.stem}-{number}{path.suffix}") for path in found]


def _free_number(folder: Path) -> int:
    """Above that of every file there."""
    numbers = (path.stem.rpartition("-")[2] for path in folder.iterdir())
    return 1 + max((int(number) for number in numbers if number.isdecimal()), default=0)
