"""campaign.json: what this run is, in full, so that its results can be told apart and made again."""

import json
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins
from msgspec.structs import replace

import cqltui
from cqltui.broker.protocol.keys import NAMESPACE
from cqltui.errors import InputError, without_passwords
from cqltui.later import Later
from cqltui.results.outline import outline
from cqltui.results.rundir import RunDir, read_json, write_json
from cqltui.state import decode
from cqltui.state.model import ENDED, RunState
from cqltui.supervisor.repository import git_commit, is_dirty

if TYPE_CHECKING:
    from importlib import metadata

    from cqltui.campaign import asked, compact
    from cqltui.campaign.model import Campaign
    from cqltui.campaign.payload import DataSummary
else:  # for what is written only
    metadata = Later("importlib.metadata")
    asked = Later("cqltui.campaign.asked")
    compact = Later("cqltui.campaign.compact")

SET = "(set)"
"""Stands for what may hold a secret."""
_NOTIFY = re.compile(r"^((?:--\w+=)?\s*notify(?:\.\w+)?\s*=).*", re.DOTALL)
"""A setting of the command line that may hold a webhook's address."""
PACKAGES = ("numpy", "redis", "safetensors", "torch", "textual")


def write(
    run_dir: RunDir,
    campaign: "Campaign",
    data: "DataSummary",
    command: list[str],
    now: float,
    *,
    placing: Mapping[str, Any] | None = None,
    own_server: bool,
) -> float:
    """Write campaign.json; when the run was first made, in seconds since 1970.

    `command`: what the user typed. `placing`: where its workers train, and why. `own_server`: the run is on the user's
    own server, wherever its URL was given.
    """
    before = read_json(run_dir.campaign_json)
    created_ts = decode.stamp(before, "created_ts") or now
    ended_ts = decode.stamp(before, "finished_ts") or decode.stamp(before, "last_finished_ts")
    write_json(
        run_dir.campaign_json,
        {
            "created_ts": created_ts,
            "started_ts": now,
            "finished_ts": 0.0,
            "last_finished_ts": ended_ts,
            "command": [without_passwords(_NOTIFY.sub(r"\1(hidden)", argument)) for argument in command],
            "campaign_path": str(campaign.path.absolute()),
            "git_commit": git_commit(campaign.path.parent),
            "git_dirty": is_dirty(campaign.path.parent),
            "versions": versions(),
            "platform": platform.platform(),
            "data": to_builtins(data),
            "data_path": None if (path := campaign.data.path) is None else str(path.resolve()),  # workers open this one
            "placing": placing or {},
            "id_length": campaign.id_length,
            "campaign": resolved(campaign, own_server=own_server),
        },
    )
    return created_ts


def finish(run_dir: RunDir, state: RunState, now: float) -> float:
    """Note that the results are written; when the run ended. One that had ended before, and in which no task has ended
    since, keeps its time."""
    said = read_json(run_dir.campaign_json) or {}
    before, tasks = decode.stamp(said, "last_finished_ts"), state.tasks.values()
    last_ts = max((task.life.finished_ts for task in tasks), default=0.0)
    same = last_ts <= before and all(task.status in ENDED for task in tasks)
    ended_ts = before if same and before > 0 else max(now, last_ts)
    write_json(run_dir.campaign_json, said | {"finished_ts": ended_ts})
    return ended_ts


def is_own_server(run_dir: RunDir) -> bool:
    """Return whether the run is on the user's own server."""
    redis = outlined(run_dir).get("redis")
    return isinstance(redis, dict) and bool(redis.get("url"))


def namespace(run_dir: RunDir) -> str:
    """Return the run's [redis] namespace. Raises InputError if it is none: it begins the names of keys."""
    redis = outlined(run_dir).get("redis")
    name = redis.get("namespace", "") if isinstance(redis, dict) else ""
    if name != "" and not (isinstance(name, str) and NAMESPACE.fullmatch(name)):
        raise InputError(
            f"{run_dir.campaign_json}: redis.namespace: expected at most 32 letters, digits, '_' and '-', found "
            f"{str(name)[:40]!a}; correct it there"
        )
    return str(name)


def known(run_dir: RunDir) -> dict[str, Any]:
    """Return the campaign that campaign.json holds, as of `resolved`; empty if there is none to read."""
    return campaign_of(read_json(run_dir.campaign_json) or {})


def outlined(run_dir: RunDir) -> Mapping[str, Any]:
    """Return the same without its tasks, for those who want none: it is kept from one question to the next."""
    return campaign_of(outline(run_dir))


def campaign_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the campaign that a campaign.json holds which has been read; empty if it holds none."""
    campaign = said.get("campaign")
    return campaign if isinstance(campaign, dict) else {}


def is_other(run_dir: RunDir, campaign: "Campaign") -> bool:
    """Return whether the run was last started with other tasks, criteria or texts, which its results were made of."""
    known = (read_json(run_dir.campaign_json) or {}).get("campaign")
    return isinstance(known, dict) and known.get("phases") != resolved(campaign, beside=known)["phases"]


def resolved(
    campaign: "Campaign", *, own_server: bool = False, beside: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the campaign as campaign.json holds it; of the user's own server, and of who is told what happens, only
    that there is one, not its password. `beside`: one from a campaign.json that it is to be compared with, where an
    earlier version has written each task by itself."""
    bare = replace(campaign, phases=tuple(replace(phase, tasks=()) for phase in campaign.phases))
    plain: dict[str, Any] = to_builtins(bare, enc_hook=str)
    del plain["id_length"]  # it is beside the campaign, which is compared with what earlier versions wrote
    known = list(decode.dicts((beside or {}).get("phases")))
    for number, (written, phase) in enumerate(zip(plain["phases"], campaign.phases, strict=True)):
        is_former = number < len(known) and not compact.is_large(known[number].get("tasks"))
        written["tasks"] = compact.written_tasks(phase, one_by_one=is_former)
        written["questions"] = [asked.as_written(question) for question in phase.questions]
        del written["listed"]
    plain["redis"]["url"] = SET if own_server else None
    for name in ("command", "webhook"):
        plain["notify"][name] = SET if plain["notify"][name] else None
    blocks = [{"name": block.name, "kind": block.kind, "count": block.count} for block in campaign.blocks]
    del plain["blocks"]  # the words of programs, which may hold secrets; a campaign without is written as ever
    if blocks:
        plain["blocks"] = blocks
    # Beside the phases, which are compared with those of earlier versions: these did not know it.
    plain["defaults"] = {written["name"]: written.pop("defaults") for written in plain["phases"]}
    value: dict[str, Any] = json.loads(json.dumps(plain, default=str))
    return value


def versions() -> dict[str, str]:
    """Of Python, cqltui and the packages that matter, read without loading them; a screen may be missing."""
    found = {"python": platform.python_version(), "cqltui": cqltui.__version__}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
