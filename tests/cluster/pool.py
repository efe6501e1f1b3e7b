"""An engine of few words, which a block describes by its own templates: `pool.py FOLDER start NAME LOG -- WORDS...`,
`list` and `stop JOB`. A keeper of each job writes down how it ended."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def start(folder: Path, name: str, log: str, words: list[str]) -> None:
    """Start a job, and print it."""
    keeper = [sys.executable, __file__, str(folder), "keep", name, log, "--", *words]
    with subprocess.Popen(keeper, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        assert process.stdout is not None
        print(process.stdout.readline().decode().strip(), flush=True)
        os._exit(0)  # the keeper lives on


def keep(folder: Path, name: str, log: str, words: list[str]) -> None:
    """Be the keeper of a job."""
    with Path(log).open("ab") as out:
        job = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    path = folder / f"{job.pid}.job"
    path.write_text(json.dumps([name, "running"]), encoding="utf-8")
    print(job.pid, flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    code = job.wait()
    path.write_text(json.dumps([name, f"signal {-code}" if code < 0 else f"exit {code}"]), encoding="utf-8")


def main() -> None:
    """Do what the words say."""
    folder, what, *rest = Path(sys.argv[1]), *sys.argv[2:]
    if what == "list":
        for path in folder.glob("*.job"):
            print(path.stem, *json.loads(path.read_text("utf-8")))
    elif what == "stop":
        with suppress(ProcessLookupError):
            os.kill(int(rest[0]), signal.SIGTERM)
    else:
        name, log, _, *words = rest
        (start if what == "start" else keep)(folder, name, log, words)


if __name__ == "__main__":
    main()
