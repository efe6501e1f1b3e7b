"""Workers on one host that ssh reaches. They outlive the connection; the host is asked for all by one question."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, ValidationError, convert

import cqltui
from cqltui.campaign.hosts import SshConfig
from cqltui.placement import sshwords
from cqltui.placement.protocol import UNSEEN, End, Handle, PlacementError, State, Why
from cqltui.placement.starting import ENV_FILE, UNSAFE, Starting
from cqltui.placement.there import TAIL_LINES
from cqltui.placement.tools import run_tool
from cqltui.state.decode import NAME
from cqltui.state.plain import plain
from trainer.files import make_folder, plain_file

LINE_CHARS = 1000
_PATH = re.compile(r"/[^\s:$%\"'\\\x00-\x1f\x7f]{1,500}")
"""Of a file there; ssh would put our environment's variables into one with `${NAME}`."""
MOST_JOBS, LONGEST_JOB = 10_000, 200
"""Of a host's answer, and the characters of a job's name."""


class Look(Struct, frozen=True):
    """What is on a host."""

    python: str
    """Its version."""
    cores: int | None
    has_data_root: bool


class Ssh:
    """The workers of a block on one host. It keeps what the last answer said, and nothing that the host could tell."""

    def __init__(
        self, config: SshConfig, host: str, starting: Starting, secrets: Callable[[], Mapping[str, str]]
    ) -> None:
        """`secrets`: what a worker may know and nobody else; raises PlacementError while that is not to be had."""
        self._config, self.host, self._starting, self._secrets = config, host, starting, secrets
        self._folder = folder_on(starting, host)
        self._states: dict[Handle, State] = {}
        self._ends: dict[Handle, End] = {}

    def start(self, slots: Sequence[str]) -> list[Handle]:
        """As of `Placement.start`."""
        started: list[Handle] = []
        for slot in slots:
            try:
                said = self.ask("start", **self._order(slot))
            except PlacementError:
                if not started:
                    raise
                break
            started.append(self._handle(slot, said))
        return started

    def list(self) -> dict[Handle, State]:
        """As of `Placement.list`."""
        jobs = self.ask("list").get("jobs")
        if not isinstance(jobs, dict) or len(jobs) > MOST_JOBS:
            raise self._unreadable()
        found: dict[Handle, State] = {}
        ends: dict[Handle, End] = {}
        for slot, told in jobs.items():
            handle = self._handle(slot, told)
            if (state := told.get("state")) not in list(State):
                raise self._unreadable()
            found[handle] = State(state)
            if found[handle] is State.ENDED:
                ends[handle] = _end(told)
                if self._states.get(handle, State.ENDED) is not State.ENDED:
                    self._keep_words(slot, told.get("words"))
        self._states, self._ends = found, ends
        return dict(found)

    def _handle(self, slot: str, told: object) -> Handle:
        """Return the job that the host tells of. It is foreign, and the slot's name becomes that of a file here. Raises
        PlacementError."""
        job = told.get("job") if isinstance(told, dict) else None
        if not NAME.fullmatch(slot) or not isinstance(job, str) or not 0 < len(job) <= LONGEST_JOB:
            raise self._unreadable()
        return Handle(slot, job)

    def _unreadable(self) -> PlacementError:
        return PlacementError(
            f"{self.host}: its answer is not one that cqltui gives", fix=f"look at that on {self.host}"
        )

    def why(self, handle: Handle) -> End:
        """As of `Placement.why`."""
        return self._ends.get(handle, End(Why.UNKNOWN))

    def reason(self, handle: Handle) -> str:
        """As of `Placement.reason`: nobody waits for a machine that is there."""
        return ""

    def stop(self, handle: Handle, grace_s: float) -> None:
        """As of `Placement.stop`."""
        self.ask("stop", slot=handle.slot, job=handle.job, hard=grace_s <= 0)

    def aside(self) -> "Ssh":
        """Return the same engine with another folder there, which no run has."""
        other = Ssh(self._config, self.host, self._starting, self._secrets)
        other._folder += ".doctor"
        return other

    def named(self, error: PlacementError) -> PlacementError:
        """Return what ssh has complained of, with its fix."""
        return sshwords.trouble(self.host, error)

    def ends(self) -> tuple[str, Path]:
        """Return a new socket for a tunnel there, and the folder there with its connection file. Raises
        PlacementError."""
        said = self.ask("socket")
        there, folder = said.get("socket"), said.get("folder")
        if not (
            isinstance(there, str) and isinstance(folder, str) and _PATH.fullmatch(there) and _PATH.fullmatch(folder)
        ):
            raise self._unreadable()
        return there, Path(folder)

    def tunnel(self, sockets: tuple[str, str]) -> Sequence[str]:
        """Return the words of a tunnel between a socket there and one here."""
        hold = sshwords.there(self._starting.worker("")[0], "hold", self._folder)
        return sshwords.tunnel(self._config, self.host, sockets, hold)

    def look(self) -> Look:
        """Return what is there, for the doctor. Raises PlacementError."""
        try:
            return convert(self.ask("look", data_root=self._starting.block.data_root), Look)
        except ValidationError:
            raise self._unreadable() from None

    def hear(self, socket: str) -> str:
        """Return what is heard through a tunnel's socket there. Raises PlacementError."""
        return str(self.ask("knock", socket=socket).get("heard"))

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        """Return the host's answer. Raises PlacementError."""
        words = sshwords.command(self._config, self.host, self._starting.worker("")[0], "ask")
        question = {"what": what, "folder": self._folder, **more}
        try:
            answer = sshwords.read(run_tool(words, json.dumps(question)))
        except PlacementError as error:
            raise sshwords.trouble(self.host, error) from None
        if (version := answer.get("version")) != cqltui.__version__:
            text = (
                f"{self.host}: cqltui {plain(str(version), 40)} is there, and {cqltui.__version__} here: install that"
            )
            raise PlacementError(text, refused=True, fix=sshwords.INSTALL_IT)
        if "error" in answer:
            fix = f"look at that on {self.host}"
            raise PlacementError(f"{self.host}: {answer['error']}", refused=True, fix=fix)
        return answer

    def _order(self, slot: str) -> dict[str, Any]:
        starting = self._starting
        _, _, *words = starting.worker(slot)  # after Python and its option, which are those of the other end
        return {
            "slot": slot,
            "words": words,
            "environment": dict(starting.environment()),
            "env_variable": ENV_FILE,
            "secrets": dict(self._secrets()),
            "log": str(starting.logs) if starting.block.shared else starting.block.log,
        }

    def _keep_words(self, slot: str, words: object) -> None:
        """Write what a worker has printed last into its log here, which tells why it ended."""
        if self._starting.block.shared or not isinstance(words, list) or not words:
            return
        make_folder(self._starting.logs)
        lines = "".join(f"{plain(str(word), LINE_CHARS)}\n" for word in words[-TAIL_LINES:])
        with open(self._starting.log(slot), "a", encoding="utf-8", opener=plain_file) as log:
            log.write(lines)


def folder_on(starting: Starting, host: str) -> str:
    """Return the name of the folder there. A home that several hosts share has one for each."""
    return str(Path(starting.job_name(starting.block.name), UNSAFE.sub("-", host)))


def _end(told: Mapping[str, Any]) -> End:
    code, why = told.get("code"), told.get("why")
    if isinstance(code, int):
        return End.of_code(code)
    return End(Why(why)) if why in list(Why) else End(Why.EXIT, UNSEEN)
