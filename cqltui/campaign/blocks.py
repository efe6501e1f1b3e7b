"""[[workers]]: where workers run. One block is this machine; of the others each names an engine that gets machines.

`[workers]`, a table, is the short form: the block of this machine, with the queue's own settings.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from cqltui.algorithms.base import REQUIRED
from cqltui.campaign import schema
from cqltui.campaign.hosts import SshConfig
from cqltui.campaign.key import Key, Table, readers
from cqltui.campaign.model import BlockConfig, CommandConfig, SlurmConfig
from cqltui.fields import INVALID, Problems, Reader, accepting, boolean, choice, integer, list_of, matching, read_table
from trainer.names import suggestion

KINDS = ("local", "slurm", "ssh", "command")
PRESETS = ("pbs", "lsf", "ray", "kubectl", "skypilot")
NOT_SHARED = ("kubectl", "skypilot")
"""Presets whose workers do not see this machine's disks, and that have a way of their own for the server's URL."""
KEEP_LOGS = {"ray": "ray job logs", "kubectl": "kubectl logs", "skypilot": "sky jobs logs"}
"""Presets whose engines keep what workers print, and the programs that show it."""
PLACEHOLDERS = ("python", "worker_id", "env_file", "log", "job_name", "run_dir", "run", "worker", "job")
"""What stands in braces in the words of a program."""
MOST_BLOCKS = 100
MOST_WORDS, LONGEST_WORD = 100, 4000
WORKERS_NAME = matching(
    r"(?!w[0-9])[A-Za-z][A-Za-z0-9_-]{0,30}",
    "a name of letters, digits, - and _, 1 to 31 characters, the first a letter, and not like w1",
)
_ENGINES_NAME = matching(
    r"[A-Za-z0-9_.][A-Za-z0-9_.,@+-]{0,99}", "a name of letters, digits and _.,@+-, which begins with no -"
)
_SLURM_TIME = r"(?:[0-9]{1,4}-)?[0-9]{1,6}(?::[0-9]{1,2}){0,2}"


def _accept_word(value: object) -> Any:
    is_word = isinstance(value, str) and len(value) <= LONGEST_WORD and (value.isprintable() or not value)
    return value if is_word else INVALID


_WORD = accepting("a text without control characters", {"type": "string"}, _accept_word)
_WORDS = list_of(_WORD, "words", high=MOST_WORDS)


_BRACES = re.compile(r"\{([a-z][a-z_]*)\}")


def _read_template(value: object, key: str, problems: Problems) -> Any:
    words = _WORDS(value, key, problems)
    unknown = () if words is INVALID else [name for word in words for name in _BRACES.findall(word)]
    for name in unknown:
        if name not in PLACEHOLDERS:
            problems.add(key, f"nothing is called {{{name}}}{suggestion(name, PLACEHOLDERS)}")
            return INVALID
    return words


_TEMPLATE = Reader(_read_template, f"{_WORDS.expected}; {{{'}, {'.join(PLACEHOLDERS)}}} are filled in", _WORDS.schema)


def _accept_path(value: object) -> Any:
    return value if _accept_word(value) is not INVALID and value and not str(value).startswith("-") else INVALID


_PATH = accepting("a path, which begins with no -", {"type": "string", "minLength": 1}, _accept_path)


def _accept_option(value: object) -> Any:
    return value if _accept_word(value) is not INVALID and str(value).startswith("-") else INVALID


_OPTIONS = list_of(
    accepting("an option, which begins with -", {"type": "string", "pattern": "^-"}, _accept_option),
    "options",
    low=0,
    high=MOST_WORDS,
)

_HOST = matching(
    r"[A-Za-z0-9_][A-Za-z0-9_.:@%-]{0,199}", "a host as ssh is given it, host or user@host, which begins with no -"
)
_HOSTS = list_of(_HOST, "hosts", high=MOST_BLOCKS, unique=True)


def _read_hosts(value: object, key: str, problems: Problems) -> Any:
    """One host is a list of one."""
    return _HOSTS([value] if isinstance(value, str) else value, key, problems)


_ONE_OR_MORE_HOSTS = Reader(_read_hosts, f"a host, or {_HOSTS.expected}", {"anyOf": [_HOST.schema, _HOSTS.schema]})

COMMON: Table = {
    "kind": Key(choice(*KINDS), "Which engine gets the machines; local is this one.", REQUIRED),
    "name": Key(WORKERS_NAME, "Names the block; its workers are NAME-1 and so on. By default its kind.", ""),
    "count": Key(integer(1, 1024), "Workers.", REQUIRED),
    "device": Key(choice("auto", "cuda", "mps", "cpu"), "Where to train, as in `[workers]`.", "auto"),
    "min_priority": schema.WORKERS["min_priority"],
    "poll_interval_s": schema.WORKERS["poll_interval_s"],
    "python": Key(
        _PATH,
        "Python there, in whose environment this version of cqltui is; by default the one here, of "
        "kubectl and skypilot python3.",
    ),
    "shared": Key(boolean, "The run directory is there too, at the same path, on a shared disk. Of ssh: false.", True),
    "dir": Key(_PATH, "Without a shared disk: the folder there where the workers write; by default `runs`."),
    "data_root": Key(_PATH, "Without a shared disk: the folder there that has the file of data."),
    "log": Key(
        _PATH,
        "Without a shared disk: the folder there for what the workers print; by default one of theirs. Ray, Kubernetes "
        "and SkyPilot keep that themselves.",
    ),
}
_ENV_FILE = Key(
    _PATH,
    "Without a shared disk: the file there (mode 0600) in which you have written `REDIS_URL=...`; nothing else takes "
    "the URL there.",
)
SLURM: Table = {
    "partition": Key(_ENGINES_NAME, "The partition; by default Slurm's own."),
    "account": Key(_ENGINES_NAME, "Who is charged."),
    "qos": Key(_ENGINES_NAME, "The quality of service."),
    "time": Key(
        matching(_SLURM_TIME, 'a time as Slurm writes it, such as "30" (minutes), "4:00:00" or "1-12"'),
        "The limit of a job; its worker claims nothing that it cannot save before, and is replaced.",
    ),
    "cpus": Key(integer(1, 1024), "Cores of a job; a worker on the CPU uses one.", 1),
    "memory": Key(matching(r"[1-9][0-9]{0,8}[KMGT]?", 'such as "4G"'), "Memory of a job."),
    "gpus": Key(integer(0, 64), "GPUs of a job, as `--gres=gpu:N`; a worker uses one.", 0),
    "options": Key(_OPTIONS, "Further options of sbatch, each a word.", ()),
    "setup": Key(_WORDS, "Lines of shell before the worker, such as `module load python/3.11`.", ()),
    "env_file": _ENV_FILE,
}
COMMAND: Table = {
    "preset": Key(choice(*PRESETS), "Templates for a known engine, in place of `start`, `list` and `stop`."),
    "start": Key(_TEMPLATE, "The program that starts a worker, by its words; the last that it prints names the job."),
    "list": Key(_TEMPLATE, "The program that prints a line for each job: `JOB NAME STATE [CODE]`."),
    "stop": Key(_TEMPLATE, "The program that asks the job `{job}` to end, by TERM."),
    "options": Key(_OPTIONS, "Further options of the program by which the preset starts a worker, each a word.", ()),
    "env_file": _ENV_FILE,
    "image": Key(_PATH, "kubectl: the image of the container, with Python and this version of cqltui."),
    "secret": Key(_PATH, "kubectl: the Secret whose key `worker.env` has the line `REDIS_URL=...`."),
    "cpus": Key(integer(1, 1024), "kubectl: cores of a container; a worker on the CPU uses one.", 1),
    "memory": Key(matching(r"[1-9][0-9]{0,8}[MGT]i?", 'such as "4Gi"'), "kubectl: memory of a container."),
    "gpus": Key(integer(0, 64), "kubectl: GPUs of a container, as `nvidia.com/gpu`; a worker uses one.", 0),
}
SSH: Table = {
    "hosts": Key(
        _ONE_OR_MORE_HOSTS,
        "The machines, as `ssh` is given them; `count` workers on each. User, port and key are for `~/.ssh/config`.",
        (),
    ),
    "options": Key(_OPTIONS, "Further options of ssh, each a word, such as `-p2222`.", ()),
    "dials_in": Key(
        boolean,
        "In place of `hosts`: machines that this one cannot reach, but that reach it. Nothing is "
        "started there; `cqltui plan` prints what to type.",
        False,
    ),
}
OF_KIND: Mapping[str, Table] = {"slurm": SLURM, "ssh": SSH, "command": COMMAND}
CONFIGS: Mapping[str, type[SlurmConfig | SshConfig | CommandConfig]] = {
    "slurm": SlurmConfig,
    "ssh": SshConfig,
    "command": CommandConfig,
}
LOCAL: Table = {
    "kind": COMMON["kind"],
    **{name: key for name, key in schema.WORKERS.items() if name not in schema.QUEUE},
}


class Blocks(Struct, frozen=True):
    """The blocks of a file, this machine's apart."""

    local: dict[str, Any]
    """As it was read, for `WorkersConfig`; `count` is 0 where no block is of this machine."""
    remote: tuple[BlockConfig, ...] = ()


def redirected(document: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `changes` of `[workers]`, as `--set` writes them, for where the file has what they change: the block of
    this machine, which is made if there is none, and `[queue]`."""
    blocks = document.get("workers")
    found: dict[str, Any] = {}
    for key, value in changes.items():
        table, _, name = key.partition(".")
        if table == "workers" and name in schema.QUEUE and ("queue" in document or isinstance(blocks, list)):
            key = f"queue.{name}"
        elif table == "workers" and name in schema.WORKERS and isinstance(blocks, list):
            index = next((i for i, block in enumerate(blocks) if _kind(block) == "local"), len(blocks))
            if index == len(blocks):
                blocks.append({"kind": "local"})
            key = f"workers.{index}.{name}"
        elif table == "workers" and isinstance(blocks, list):
            block, dot, rest = name.partition(".")  # one without a name is called as its kind is
            named = [i for i, other in enumerate(blocks) if _kind(other) == block and "name" not in other]
            key = f"workers.{named[0]}{dot}{rest}" if named else key
        found[key] = value
    return found


def read_blocks(given: object, problems: Problems) -> Blocks:
    """Return what `workers` of the file says, a table or a list of them."""
    if not isinstance(given, list):
        return Blocks(read_table(given, "workers", readers(schema.WORKERS), problems))
    if not 1 <= len(given) <= MOST_BLOCKS:
        problems.expected("workers", f"1 to {MOST_BLOCKS} blocks", given)
        return Blocks({"count": 0})
    local: dict[str, Any] | None = None
    remote: list[BlockConfig] = []
    for index, table in enumerate(given):
        place = _place(index, table)
        kind = _kind(table)
        if kind == "local" and local is not None:
            problems.add(place, "is a second block of this machine: one is enough, with a larger count")
        elif kind == "local":
            local = read_table(table, place, readers(LOCAL), problems, _HINTS)
            local.pop("kind")
        elif (block := _remote(table, kind, place, problems)) is not None:
            if any(block.name == other.name for other in remote):
                problems.add(place, f"{block.name!r} is the name of an earlier block: give it another")
            remote.append(block)
    return Blocks({"count": 0} if local is None else local, tuple(remote))


def merged(workers: dict[str, Any], queue: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Return the fields of `WorkersConfig`: `[workers]` with what `[queue]` says. Said in both, a setting is a
    problem."""
    for name in queue:
        if name in workers:
            problems.add(f"queue.{name}", f"is said twice, here and as workers.{name}: remove one of them")
    return {**workers, **queue}


_HINTS = dict.fromkeys(schema.QUEUE, "; it is the queue's: put it in [queue]")


def _place(index: int, table: object) -> str:
    name = table.get("name") if isinstance(table, dict) else None
    return f"workers.{name}" if isinstance(name, str) and name else f"workers[{index}]"


def _kind(table: object) -> object:
    return table.get("kind") if isinstance(table, dict) else None


def _remote(table: object, kind: object, place: str, problems: Problems) -> BlockConfig | None:
    if not isinstance(table, dict):
        problems.expected(place, "a table", table)
        return None
    if not isinstance(kind, str) or kind not in OF_KIND:
        if kind is None:
            problems.add(place, f"has no kind; add kind = one of {', '.join(KINDS)}")
        else:
            hint = suggestion(kind, KINDS) if isinstance(kind, str) else ""
            problems.expected(f"{place}.kind", f"one of {', '.join(KINDS)}{hint}", kind)
        return None
    schemas: dict[str, Reader] = {**readers(COMMON), **readers(OF_KIND[kind])}
    read = read_table(table, place, schemas, problems, _HINTS)
    if "count" not in read:
        problems.add(place, "has no count; add count = N, its workers")
    if kind == "command":
        _check_command(read, place, problems)
    elif kind == "ssh":
        _check_ssh(read, place, problems)
        read.setdefault("shared", False)
    _check_log(read, place, problems)
    if "count" not in read or INVALID in read.values():
        return None
    if read.get("preset") in NOT_SHARED:
        read.setdefault("python", "python3")
    config = CONFIGS[kind]
    own = {name: read.pop(name) for name in config.__struct_fields__ if name in read}
    read.pop("kind")
    on = config(**own)
    name = read.pop("name", None) or (own.get("preset") if kind == "command" else None) or kind
    return BlockConfig(name=name, on=on, **read)


def _check_command(read: Mapping[str, Any], place: str, problems: Problems) -> None:
    own = [name for name in ("start", "list", "stop") if name in read]
    preset = read.get("preset")
    if preset in NOT_SHARED and read.get("shared", True):
        problems.add(place, f"{preset}'s workers do not see this machine's disks: add shared = false")
    if preset in NOT_SHARED and "env_file" in read:
        problems.add(f"{place}.env_file", f"is not for {preset}, which brings the URL itself: remove it")
    if preset == "kubectl":
        for name in ("image", "secret"):
            if name not in read:
                problems.add(place, f"has no {name}; add {name} = ...: {COMMAND[name].help}")
    else:
        for name in ("image", "secret", "cpus", "memory", "gpus"):
            if read.get(name, COMMAND[name].default) != COMMAND[name].default:
                problems.add(f"{place}.{name}", 'is for preset = "kubectl" alone: elsewhere options say it')
    if "preset" in read and own:
        problems.add(f"{place}.{own[0]}", "is the preset's to say: remove it, or the preset")
    elif "preset" not in read and len(own) < 3:
        lacking = [name for name in ("start", "list", "stop") if name not in read]
        problems.add(place, f"has no {' and no '.join(lacking)}; add them, or preset = one of {', '.join(PRESETS)}")


def _check_ssh(read: Mapping[str, Any], place: str, problems: Problems) -> None:
    if read.get("dials_in") is True and "hosts" in read:
        problems.add(f"{place}.hosts", "are not reached by a block that dials in: remove them, or dials_in")
    elif read.get("dials_in") is not True and "hosts" not in read:
        problems.add(place, 'has no hosts; add hosts = ["..."], or dials_in = true where they reach this machine only')


def _check_log(read: Mapping[str, Any], place: str, problems: Problems) -> None:
    """Have no folder named that nobody would write to."""
    if "log" not in read:
        return
    key, preset = f"{place}.log", read.get("preset")
    if isinstance(preset, str) and preset in KEEP_LOGS:
        problems.add(key, f"is not for {preset}, which keeps what workers print (`{KEEP_LOGS[preset]}`): remove it")
    elif read.get("dials_in") is True:
        problems.add(key, "is not for workers that are started by hand, who print where they are: remove it")
    elif read.get("shared", True) is True:
        problems.add(
            key, "is not for a shared disk: logs are in the run directory there; remove it, or add shared = false"
        )
    elif isinstance(start := read.get("start", ()), Sequence) and start and not any("{log}" in word for word in start):
        problems.add(key, "is named by no word of start: put {log} there, or remove it")


def said(block: BlockConfig) -> Sequence[tuple[str, str]]:
    """Return the settings of a block's engine that were given, for people."""
    return [
        (field.name, " ".join(value) if isinstance(value, tuple) else str(value))
        for field in fields(block.on)
        if (value := getattr(block.on, field.name)) not in (None, (), field.default)
    ]
