"""A cluster of Slurm on one machine: munged, slurmctld and two slurmd on loopback, with a folder of its own."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
PLACES = "/usr/sbin:/usr/bin:/sbin:/bin"
NODES = ("n1", "n2")
LIMIT_S = 60.0
CONF = """\
ClusterName=cqltui
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={short}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={short}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
SlurmctldParameters=preempt_send_user_signal
ReturnToService=2
SlurmdTimeout=15
KillWait=5
MinJobAge=300
SchedulerParameters=bf_interval=1,sched_min_interval=0
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
PropagateResourceLimits=NONE
{nodes}
PartitionName=low Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=10 OverSubscribe=NO
PartitionName=high Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def why_not() -> str:
    """Return why there can be no cluster here; empty if there can."""
    if os.geteuid() != 0:
        return "a cluster of Slurm takes root"
    missing = [name for name in PROGRAMS if shutil.which(name, path=PLACES) is None]
    return f"Slurm is not installed ({', '.join(missing)}): apt-get install slurm-wlm munge" if missing else ""


def free_port() -> int:
    """Return a port that nobody listens on: of those that the system gives away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """Two nodes of one core each."""

    def __init__(self, folder: Path) -> None:
        """Write in the folder what lasts; sockets are in one of a short name, since theirs have a limit."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        self.folder = folder
        self._short = tempfile.TemporaryDirectory(prefix="slurm", ignore_cleanup_errors=True)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        host = socket.gethostname()
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=1 State=UNKNOWN"
            for name in NODES
        )
        self.conf = folder / "slurm.conf"
        self.conf.write_text(
            CONF.format(host=host, port=free_port(), folder=folder, short=self._short.name, nodes=nodes)
        )
        (folder / "state").mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """What a user of the cluster has set."""
        return {**os.environ, "PATH": f"{os.environ['PATH']}:{PLACES}", "SLURM_CONF": str(self.conf)}

    def start(self) -> None:
        """Bring all up, and wait until both nodes are idle."""
        f = self.folder
        munged: tuple[str, ...] = (
            "munged",
            "--foreground",
            "--force",
            f"--socket={self._short.name}/munge.socket",
            f"--key-file={f}/munge.key",
        )
        munged += (f"--pid-file={f}/munged.pid", f"--log-file={f}/munged.log", f"--seed-file={f}/munged.seed")
        self._run("munged", munged)
        self._until(lambda: (Path(self._short.name) / "munge.socket").exists(), "munged")
        self.start_controller()
        for name in NODES:
            self.start_node(name)
        self.wait_idle()

    def wait_idle(self) -> None:
        """Wait until both nodes wait for work."""
        self._until(lambda: self._states() == ["idle"] * len(NODES), "two idle nodes")

    def start_controller(self) -> None:
        """Start slurmctld; it goes on from its saved state."""
        self._run("slurmctld", ("slurmctld", "-D", "-i"))
        self._until(lambda: self.tool("scontrol", "ping").returncode == 0, "slurmctld")

    @property
    def is_controlled(self) -> bool:
        """Whether slurmctld runs."""
        return "slurmctld" in self._processes

    def stop_controller(self) -> None:
        """Let it save its state and leave."""
        self._end("slurmctld")

    def start_node(self, name: str) -> None:
        """Start the slurmd of a node."""
        (Path(self._short.name) / name).mkdir(exist_ok=True)
        self._run(name, ("slurmd", "-D", "-N", name))

    def kill_node(self, name: str) -> None:
        """As if the node lost its power: slurmd and all that it has started."""
        self._end(name, kill=True)

    def tool(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program of Slurm's."""
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=30, check=False)

    def jobs(self) -> list[list[str]]:
        """Return number, name, state and node of each job that is not over."""
        said = self.tool("squeue", "--noheader", "--format=%i|%j|%T|%N").stdout
        return [line.split("|") for line in said.splitlines()]

    def close(self) -> None:
        """End all."""
        self.tool("scancel", f"--user={pwd.getpwuid(os.geteuid()).pw_name}")
        for name in reversed(list(self._processes)):
            self._end(name)
        self._short.cleanup()

    def _states(self) -> list[str]:
        return self.tool("sinfo", "--noheader", "--Node", "--partition=low", "--format=%t").stdout.split()

    def _run(self, name: str, words: Sequence[str]) -> None:
        program = shutil.which(words[0], path=PLACES)
        assert program is not None
        with (self.folder / f"{name}.out").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                [program, *words[1:]], env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def _end(self, name: str, *, kill: bool = False) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        (process.kill if kill else process.terminate)()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()

    def _until(self, is_so: object, what: str) -> None:
        assert callable(is_so)
        deadline = time.monotonic() + LIMIT_S
        while not is_so():
            ended = [name for name, process in self._processes.items() if process.poll() is not None]
            assert not ended, f"{what}: {ended[0]} has ended: {(self.folder / f'{ended[0]}.out').read_text()[-500:]}"
            assert time.monotonic() < deadline, f"{what}: not within {LIMIT_S:.0f} s"
            time.sleep(0.1)
