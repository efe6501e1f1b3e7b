"""Workers on one host that ssh reaches. They outlive the connection; the host is asked for all by one question."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cqltui
from cqltui.campaign.hosts import SshConfig
from cqltui.placement import sshwords
from cqltui.placement.protocol import UNSEEN, End, Handle, PlacementError, State, Why
from cqltui.placement.starting import ENV_FILE, UNSAFE, Starting
from cqltui.placement.tools import run_tool
from cqltui.state.plain import plain
from trainer.files import make_folder, plain_file

LINE_CHARS = 1000


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
            started.append(Handle(slot, str(said["job"])))
        return started

    def list(self) -> dict[Handle, State]:
        """As of `Placement.list`."""
        jobs = self.ask("list").get("jobs")
        found: dict[Handle, State] = {}
        ends: dict[Handle, End] = {}
        for slot, told in jobs.items() if isinstance(jobs, dict) else ():
            handle = Handle(slot, str(told["job"]))
            found[handle] = State(told["state"])
            if found[handle] is State.ENDED:
                ends[handle] = _end(told)
                if self._states.get(handle, State.ENDED) is not State.ENDED:
                    self._keep_words(slot, told.get("words", ()))
        self._states, self._ends = found, ends
        return dict(found)

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
        return str(said["socket"]), Path(said["folder"])

    def tunnel(self, sockets: tuple[str, str]) -> Sequence[str]:
        """Return the words of a tunnel between a socket there and one here."""
        hold = sshwords.there(self._starting.worker("")[0], "hold", self._folder)
        return sshwords.tunnel(self._config, self.host, sockets, hold)

    def look(self) -> Mapping[str, Any]:
        """Return what is there, for the doctor. Raises PlacementError."""
        return self.ask("look", data_root=self._starting.block.data_root)

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

    def _keep_words(self, slot: str, words: Sequence[object]) -> None:
        """Write what a worker has printed last into its log here, which tells why it ended."""
        if self._starting.block.shared or not words:
            return
        make_folder(self._starting.logs)
        lines = "".join(f"{plain(str(word), LINE_CHARS)}\n" for word in words)
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
