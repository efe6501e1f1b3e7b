"""The campaign that a run was last started with, read back from its campaign.json. Nothing in it is believed."""

from collections.abc import Iterator, Mapping
from typing import Any

from cqltui.campaign.criteria import CHECKS
from cqltui.campaign.model import Campaign, Criterion, Phase, RedisConfig, TaskSpec, WorkersConfig
from cqltui.campaign.payload import read_data, read_trainer
from cqltui.errors import InputError
from cqltui.fields import INVALID, Problems
from cqltui.results.rundir import RunDir, read_json
from cqltui.state import decode


def campaign_of(run_dir: RunDir) -> Campaign:
    """Return the campaign with its tasks, criteria and ids. Where it trains is not told. Raises InputError."""
    said = read_json(run_dir.campaign_json) or {}
    try:
        known = dict(said["campaign"])
        data = read_data({"data": {**known["data"], "path": said.get("data_path")}})
        phases = tuple(map(_phase, decode.dicts(known.get("phases"))))
        if not phases:
            raise ValueError("it has no phases")
        campaign = Campaign(
            name=decode.text(known, "name"),
            title=decode.text(known, "title"),
            description=decode.text(known, "description"),
            data=data,
            workers=WorkersConfig(),
            redis=RedisConfig(),
            phases=phases,
            path=run_dir.campaign_json,
        )
        return campaign.identified(str(said["data"]["digest"]))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{run_dir.campaign_json}: the campaign in it cannot be read ({what[:200]})") from error


def _phase(known: Mapping[str, Any]) -> Phase:
    name = decode.text(known, "name")
    tasks = tuple(_task(name, task) for task in decode.dicts(known["tasks"]))
    if not tasks or not decode.NAME.fullmatch(name):
        raise ValueError(f"phase {name!r} has no tasks, or no name")
    return Phase(
        name=name,
        title=decode.text(known, "title"),
        priority=decode.whole(known, "priority"),
        goal=decode.text(known, "goal"),
        questions=decode.strings(known.get("questions")),
        expected=decode.text(known, "expected"),
        tasks=tasks,
        criteria=tuple(_criteria(decode.dicts(known.get("criteria")))),
    )


def _task(phase: str, known: Mapping[str, Any]) -> TaskSpec:
    baseline = known.get("baseline_loss")
    return TaskSpec(
        phase=phase,
        title=decode.text(known, "title"),
        description=decode.text(known, "description"),
        priority=decode.whole(known, "priority"),
        trainer=read_trainer(known),
        baseline_loss=None if baseline is None else float(baseline),
        auto_precision=known.get("auto_precision") is True,
    )


def _criteria(known: Iterator[Mapping[str, Any]]) -> Iterator[Criterion]:
    for criterion in known:
        check = CHECKS[name := decode.text(criterion, "check")]
        problems, params = Problems(""), {}
        for param, value in criterion["params"]:
            params[param] = check.params[param].read(value, param, problems)
        if problems.first or INVALID in params.values():
            raise ValueError(problems.first)
        yield Criterion(decode.text(criterion, "text"), name, tuple(params.items()))
