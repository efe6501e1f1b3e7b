"""`make demo`: a recorded run as an animated picture and as an asciicast, both by its replay.

The picture is of fixed moments, shares of the run, so that the same run directory gives the same picture.
"""

import asyncio
import codecs
import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from pathlib import Path

from msgspec.structs import replace

from cqltui.app.recorded import extent
from cqltui.app.replaying import Replaying
from cqltui.app.replayscreen import replay_ports
from cqltui.results.rundir import RunDir
from cqltui.state.playhead import Playhead
from cqltui.ui.preferences import Preferences
from cqltui.ui.remembered import Remembered
from cqltui.ui.replaying import ReplayApp

SCREENSHOTS = Path(__file__).parents[1] / "screenshots"
CELLS, ROWS = 110, 30
SHARES = (0.5, 0.75, 1.0, 0.06, 0.25)
"""Of the run. The first is what is seen where pictures do not move."""
SHOWN_S = 2.4
CAST_S, PLAYED_S = 20.0, 15.0
KEYS = ((3.0, b"j"), (3.4, b"j"), (3.8, b"j"), (9.0, b"("), (11.0, b";"), (12.5, b";"))
"""Pressed during the asciicast, by its seconds."""
DEADLINE_S = 60.0


async def frames(run_dir: RunDir) -> list[str]:
    """Return an SVG of each moment."""
    begin_ts, end_ts = extent(run_dir)
    moments = [begin_ts + share * (end_ts - begin_ts) for share in SHARES]
    replaying = Replaying(run_dir, Playhead(begin_ts, end_ts, moments[0], speed=60.0), wall=lambda: 0.0)
    # As somebody sees it who has never arranged the screen.
    ports = replace(replay_ports(run_dir, replaying, Preferences()), remembered=Remembered(), keep=lambda _: None)
    app = ReplayApp(ports, replaying)
    app.animation_level = "none"
    found = []
    async with app.run_test(size=(CELLS, ROWS)) as pilot:
        for ts in moments:
            replaying.seek(ts)
            deadline = time.monotonic() + DEADLINE_S
            while app.frame is None or app.frame.now != ts or app.busy:
                assert time.monotonic() < deadline, f"the screen has not come to {ts}"
                await pilot.pause(0.05)
            await pilot.pause(1.5)  # what is read once a second has been read
            found.append(app.export_screenshot(simplify=True))
    return found


def animated(svgs: list[str]) -> str:
    """Return one SVG that shows the others in turn; where nothing is animated, the last one."""
    total_s = SHOWN_S * len(svgs)
    head = re.match(r"<svg[^>]*>", svgs[0])
    assert head is not None, "Textual writes it first"
    share = 100 / len(svgs)
    css = (
        f".frame{{animation:turn {total_s:g}s step-end infinite;visibility:hidden}}"
        f"@keyframes turn{{0%{{visibility:visible}}{share:.4f}%{{visibility:hidden}}100%{{visibility:hidden}}}}"
        ".frame:last-of-type{visibility:visible}"
    )
    parts = [head[0], f"<style>{css}</style>"]
    for place, svg in enumerate(svgs):
        body = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
        body = re.sub(r"terminal-\d+-", f"f{place}-", body)
        body = re.sub(r"@font-face\s*{[^}]*}", "", body) if place else body
        delay = SHOWN_S * place - total_s
        parts.append(f'<g class="frame" style="animation-delay:{delay:g}s">{body}</g>')
    return re.sub(r"\n\s*", "\n", "".join([*parts, "</svg>\n"]))


def cast(run_dir: RunDir) -> str:
    """Return an asciicast (version 2) of a replay on a terminal."""
    begin_ts, end_ts = extent(run_dir)
    speed = max(0.1, (end_ts - begin_ts) / PLAYED_S)
    argv = [sys.executable, "-m", "cqltui", "replay", str(run_dir.path), "--speed", f"{speed:.3g}", "--theme", "dark"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "XDG_STATE_HOME": "/nonexistent"}
    child, terminal = pty.fork()
    if not child:
        os.execvpe(argv[0], argv, environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, CELLS, 0, 0))
    header = {"version": 2, "width": CELLS, "height": ROWS, "title": "cqltui replay", "env": {"TERM": "xterm-256color"}}
    lines, decoder = [json.dumps(header)], codecs.getincrementaldecoder("utf-8")("replace")
    keys, began_s, first_s = list(KEYS), time.monotonic(), None
    while (passed_s := time.monotonic() - began_s) < CAST_S:
        if keys and passed_s >= keys[0][0]:
            os.write(terminal, keys.pop(0)[1])
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                text = decoder.decode(os.read(terminal, 1 << 16))
            except OSError:
                break
            first_s = passed_s if first_s is None else first_s
            lines.append(json.dumps([round(passed_s - first_s, 3), "o", text], ensure_ascii=False))
    os.write(terminal, b"q")
    time.sleep(1)
    os.close(terminal)
    os.waitpid(child, 0)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both."""
    run_dir = RunDir(Path(sys.argv[1]))
    svg, recorded = SCREENSHOTS / "demo.svg", SCREENSHOTS / "demo.cast"
    svg.write_text(animated(asyncio.run(frames(run_dir))), encoding="utf-8")
    recorded.write_text(cast(run_dir), encoding="utf-8")
    for path in (svg, recorded):
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
