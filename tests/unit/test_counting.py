"""What the tasks come to, kept while they change, is what counting them comes to."""

import random
from typing import Any

from msgspec.structs import replace

from cqltui.state import select
from cqltui.state.counting import counted, merit, tally
from cqltui.state.described import CampaignInfo, PhaseInfo
from cqltui.state.events import Event, Kind
from cqltui.state.model import RunState, Status, Tally, TaskState
from cqltui.state.reduce import reduce, reduce_all
from tests.unit.runs import info, queued, run_of

PHASES = ("ensemble", "quality")
NAMES = [f"t{number}" for number in range(8)]


def _event(chance: random.Random, seq: int) -> Event:
    task, token = chance.choice(NAMES), chance.choice(["1-7", "1-8"])
    if chance.random() < 0.5:
        losses = {"loss": chance.choice([0.1, 0.2, 0.3]), "best": chance.choice([None, None, 0.1, 0.2])}
        member = {"task": task, "token": token, "step": chance.randint(0, 9), "epoch": chance.randint(0, 30), **losses}
        return Event(Kind.PROGRESS, float(seq), 1, worker="w1", data={"report": seq, "members": [member]})
    about = {"phase": chance.choice(PHASES), "index": int(task[1:]), "epochs": 20, "step_flops": 10, "epoch_steps": 3}
    life = {"status": chance.choice(list(Status)), "token": token, "priority": chance.choice([6, 7.5, 8])}
    if chance.random() < 0.4:
        life["report"] = {"token": token, "epoch": 20, "best": chance.choice([0.1, 0.2]), "stopped_early": "plateau"}
    return Event(Kind.TASK_QUEUED, float(seq), 1, seq, task, data=life | ({"info": about} if seq % 3 else {}))


def _best(state: RunState, phase: str) -> tuple[bool, float, int] | None:
    members = [t for t in state.tasks.values() if t.info.phase == phase and t.status is not Status.WITHDRAWN]
    return min((how for task in members if (how := merit(task))[1] < 1e9), default=None)


def test_counts_are_those_of_the_tasks_whatever_happens() -> None:
    chance = random.Random(7)
    campaign = CampaignInfo(phases=tuple(PhaseInfo(name) for name in PHASES))
    for _ in range(60):
        state = RunState(campaign)
        for seq in range(1, 60, 3):
            if chance.random() < 0.1:
                kept: dict[str, Any] = {name: {} for name in chance.sample(NAMES, 4)}
                state = reduce(state, Event(Kind.SNAPSHOT, float(seq), 1, seq + 2, data={"tasks": kept}))
                state = replace(state, campaign=campaign)
            else:
                state = reduce_all(state, [_event(chance, seq + i) for i in range(3)])
            assert state.counted.of is state.tasks
            anew = counted(state.tasks)
            for phase in PHASES:  # who is the best may have to be looked for, and is found
                found = next(each for each in select.phases(state) if each.info.name == phase)
                assert (merit(found.best) if found.best else None) == _best(state, phase)
            assert _shown(state.counted) == _shown(anew)


def _shown(found: Tally) -> list[object]:
    phases = {name: (each.states, each.epochs_done, each.epochs_total) for name, each in found.phases.items()}
    used = {name: each for name, each in phases.items() if each[0]}
    return [found.infos, set(found.running), found.states, found.queued, found.work_done, found.work_total, used]


def test_tasks_that_somebody_else_has_put_there_are_counted() -> None:
    state = run_of([queued(info(1))])
    other = replace(state, tasks={"b": TaskState(info(2)), "c": TaskState(info(3))})
    assert select.counts(other)[Status.QUEUED] == 2


def test_a_report_counts_its_task_alone_and_leaves_the_infos() -> None:
    known = {
        f"t{number}": {"info": {"phase": "p", "epochs": 9}, "life": {"status": "running", "token": "1-7"}}
        for number in range(50)
    }
    state = reduce(RunState(), Event(Kind.SNAPSHOT, 1.0, 1, 1, data={"tasks": known}))
    member = {"task": "t3", "token": "1-7", "step": 1, "epoch": 4}
    later = reduce(state, Event(Kind.PROGRESS, 2.0, 1, worker="w1", data={"report": 1, "members": [member]}))
    assert later.counted.infos is state.counted.infos, "what is made of them is made anew otherwise"
    assert tally(later).phases["p"].epochs_done == 4
