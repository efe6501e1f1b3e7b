"""A campaign that is supervised while a test disturbs its machines, followed by the lines that it prints."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

CAMPAIGN = """\
[campaign]
name = "night"
[data]
source = "simulated"
[trainer]
precision = "fp32"
lr = 1e-3
hidden_dims = [16]
epochs = {epochs}
[evaluate]
automatic = false
[report]
auto = false
[queue]
checkpoint_s = 1
lease_s = {lease_s}
[[phase]]
name = "p"
[phase.grid]
alpha = [0.1, 0.3]
seed = [1, 2]
"""
END_S = 90.0


class Night:
    """A run of the campaign, with blocks of its own."""

    def __init__(
        self,
        folder: Path,
        blocks: str,
        epochs: int,
        environment: Mapping[str, str],
        campaign: str = CAMPAIGN,
        options: Sequence[str] = (),
        lease_s: int = 10,
        *,
        begin: bool = True,
    ) -> None:
        """`campaign`: the file without its blocks. `options`: of the command. Without `begin` it waits for `start`."""
        folder.mkdir(exist_ok=True)
        self._options = options
        self.run_dir = folder / "run"
        self._file, self._lines, self._at = folder / "night.toml", folder / "lines", 0
        text = campaign.replace("{epochs}", str(epochs)).replace("{lease_s}", str(lease_s))
        self._file.write_text(text + blocks, encoding="utf-8")
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        if begin:
            self.start()

    def start(self) -> None:
        """Supervise it; also again, after the supervisor was killed."""
        words = [sys.executable, "-P", "-m", "cqltui", str(self._file), "--run-dir", str(self.run_dir), "--no-ui"]
        with self._lines.open("ab") as lines:
            self._process = subprocess.Popen(
                [*words, "--verbose", *self._options],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=lines,
            )

    def expect(self, pattern: str, limit_s: float = 120.0) -> re.Match[str]:
        """Return the next line that holds it, from the last one found on."""
        found = self.sees(pattern, self._at, limit_s)
        self._at = found.end()
        return found

    def sees(self, pattern: str, since: int = 0, limit_s: float = 120.0) -> re.Match[str]:
        """Return the first line that holds it, from that character of `text` on: for what comes in any order."""
        deadline = time.monotonic() + limit_s
        while True:
            text = self.text
            if (found := re.compile(pattern).search(text, since)) is not None:
                return found
            assert self._supervisor.poll() is None, f"it has ended before {pattern!r}:\n{text[-3000:]}"
            assert time.monotonic() < deadline, f"no {pattern!r} within {limit_s:.0f} s:\n{text[since:][-3000:]}"
            time.sleep(0.2)

    def forget(self) -> None:
        """Expect only what is printed from now on."""
        self._at = len(self.text)

    def expect_trained(self, slot: str, limit_s: float = 120.0) -> int:
        """Wait until a new worker of that slot has trained for a while, and has saved it; its process."""
        pid = int(self.expect(rf"worker {slot} started on cpu \(pid (\d+)\)", limit_s)[1])
        self.expect_saved(limit_s)
        return pid

    def expect_saved(self, limit_s: float = 120.0) -> None:
        """Wait until some worker has saved its work after now."""
        since, deadline = time.time(), time.monotonic() + limit_s
        while not any(path.stat().st_mtime > since for path in self.run_dir.glob("tasks/*/run-*/*/checkpoint-*")):
            assert time.monotonic() < deadline, "nobody saves anything"
            time.sleep(0.2)

    @property
    def text(self) -> str:
        """All that it has printed."""
        return self._lines.read_text("utf-8", errors="replace")

    @property
    def _supervisor(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it was never started"
        return self._process

    def kill(self) -> None:
        """End the supervisor as a crash does."""
        self._supervisor.kill()
        self._supervisor.wait(20)

    def stop(self) -> int:
        """Stop the run as Ctrl-C does; the exit code."""
        self._supervisor.send_signal(signal.SIGINT)
        return self._supervisor.wait(END_S)

    def end(self, limit_s: float) -> int:
        """Wait for the end of the run; the exit code."""
        return self._supervisor.wait(limit_s)

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
            self._process.kill()


def weights(night: Night) -> dict[str, bytes]:
    """The result's weights of each task; the file's head tells of nothing else that may differ."""
    paths = sorted((night.run_dir / "tasks").glob("*/model.safetensors"))
    return {path.parent.name: path.read_bytes() for path in paths}
