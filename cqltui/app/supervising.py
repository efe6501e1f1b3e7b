"""Put a run's supervisor together and run it to its end, in the foreground (`--no-ui`) or behind the screen."""

import importlib
import logging
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace
from redis.exceptions import RedisError

import cqltui
from cqltui.app import auditing, blocks, devices, difference, options, tunnels
from cqltui.app.asker import asker
from cqltui.app.dataset import load_data
from cqltui.app.difference import Agreement
from cqltui.app.options import RunOptions
from cqltui.app.placing import Placing, settle
from cqltui.app.signals import Signals
from cqltui.app.stores import open_store
from cqltui.broker.protocol.queue import Queue
from cqltui.broker.protocol.trouble import Trouble, kind, named, told
from cqltui.broker.server.access import Server
from cqltui.broker.server.connect import connect_url
from cqltui.broker.server.fitness import check_room
from cqltui.broker.server.url import shown_url
from cqltui.campaign.difference import Difference
from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.child import STARTED_BY
from cqltui.errors import ExitCode, ServerError
from cqltui.judging.answers import Answered
from cqltui.machine import here
from cqltui.placement.process import Launcher, left_behind
from cqltui.reporters.steps import Steps, once_long
from cqltui.results import reported
from cqltui.results.earlier import keep_earlier
from cqltui.results.evaluated import evaluation_of, is_due
from cqltui.results.rundir import RunDir, read_json
from cqltui.results.standings import standing, standings
from cqltui.results.study import Study
from cqltui.results.tables import write_results
from cqltui.state.described import Verdict
from cqltui.state.model import RunState, Status, Wanted
from cqltui.state.reduce import reduce
from cqltui.supervisor import manifest
from cqltui.supervisor.allowed import Allowed
from cqltui.supervisor.awake import Awake, is_asked_for
from cqltui.supervisor.continuing import carry_over
from cqltui.supervisor.errands import Errands
from cqltui.supervisor.fleet import Fleet
from cqltui.supervisor.guard import Guard
from cqltui.supervisor.history import History
from cqltui.supervisor.hooks import Hooks, Notice, Reporter
from cqltui.supervisor.interim import Interim
from cqltui.supervisor.lock import RunLock
from cqltui.supervisor.notifying import Notifying, couriers, next_hour
from cqltui.supervisor.outpost import Outpost
from cqltui.supervisor.placed import Placed
from cqltui.supervisor.presence import Presence
from cqltui.supervisor.records import Records
from cqltui.supervisor.reporting import report
from cqltui.supervisor.sizing import Sizing
from cqltui.supervisor.submissions import planned
from cqltui.supervisor.supervisor import Supervisor
from cqltui.supervisor.upkeep import Upkeep

ASSEMBLE_TRIES = 3

log = logging.getLogger(__name__)


def supervise(chosen: RunOptions, reporters: Sequence[Reporter], agreement: Agreement) -> ExitCode:
    """Supervise the run to its end; how it ended."""
    placing = settle(chosen.campaign, read_json(chosen.run_dir.campaign_json), log.warning, test=True)
    campaign, data = load_data(chosen.campaign.with_auto_precision(placing.precision))
    with Steps() as step:
        audited = auditing.at_start(campaign.data, chosen.run_dir, step)
    auditing.expect_agreed(audited, yes=agreement.yes)
    data = replace(data, warnings=(*data.warnings, *audited.warnings))
    if chosen.redis_url is not None:
        with connect_url(chosen.redis_url) as client:  # a server that cannot be used leaves no trace of a run
            check_room(
                client,
                shown_url(chosen.redis_url),
                len(placing.places) + campaign.workers_elsewhere - len(left_behind(chosen.run_dir.path)),
            )
    with Signals() as signals:
        lock = RunLock(chosen.run_dir)
        try:
            difference.find_agreed(chosen.run_dir, campaign, data, agreement)  # before a server is started
            server = Server(chosen.run_dir.path, chosen.redis_url, campaign.redis.namespace, start=True)
            try:
                done = _done_on(server.queue)
                changes = difference.find_agreed(chosen.run_dir, campaign, data, agreement, done)
                _become(chosen.run_dir, campaign, changes)
                auditing.keep(chosen.run_dir, audited)
                with (
                    Awake(server.queue.notice, wanted=campaign.workers.keep_awake and is_asked_for()) as awake,
                    Notifying(chosen.run_dir, couriers(campaign.notify)) as notifying,
                    tunnels.kept(campaign, chosen.run_dir, chosen.redis_url) as ways,
                    ExitStack() as opened,
                ):
                    watching = (*reporters, awake, notifying)
                    supervisor = _persistently(
                        lambda: _assemble(chosen, campaign, data, placing, server, watching, lock, opened, ways),
                        server.restart,
                    )
                    lock.say(ready=True)
                    signals.reach(supervisor)
                    return supervisor.run()
            finally:
                server.leave()
        finally:
            lock.free()


def _done_on(queue: Queue) -> list[str]:
    """Return the tasks that the server holds as done: of some the run directory has not heard while nobody supervised
    it."""
    try:
        found = reduce(RunState(), queue.snapshot()).tasks.values()
    except RedisError:  # it has just ended; it is brought back below
        return []
    return [task.id for task in found if task.status is Status.DONE]


def _become(run_dir: RunDir, campaign: Campaign, changes: Difference) -> None:
    """Make the run that of another file, as far as its directory goes, before anything in it says so."""
    difference.show(changes, run_dir)
    if changes.changes or manifest.is_other(run_dir, campaign):
        keep_earlier(run_dir)
    carry_over(run_dir, changes.continued)


def _persistently(assemble: Callable[[], Supervisor], restart: Callable[[], None]) -> Supervisor:
    """Again if the server ended in the middle of it. Raises ServerError if that does not help."""
    for _ in range(ASSEMBLE_TRIES):
        try:
            return assemble()
        except RedisError as error:
            if kind(error) is not Trouble.AWAY:
                raise named(error) from error
            log.warning("%s", told(error))
            last = error
            restart()
    raise ServerError(told(last)) from last


def _assemble(
    chosen: RunOptions,
    campaign: Campaign,
    data: DataSummary,
    placing: Placing,
    server: Server,
    reporters: Sequence[Reporter],
    lock: RunLock,
    opened: ExitStack,
    ways: blocks.Tunnels,
) -> Supervisor:
    """Return the run's parts; `opened` closes what is to be closed. Raises CqltuiError, OSError, and RedisError if the
    server goes away in the middle of it."""
    run_dir, queue, places = chosen.run_dir, server.queue, placing.places
    records = opened.enter_context(closing(Records(run_dir, planned(campaign, data))))
    created_ts = manifest.write(
        run_dir,
        campaign,
        data,
        sys.argv,
        time.time(),
        placing=to_builtins(placing),
        own_server=chosen.redis_url is not None,
    )

    study = Study(run_dir, campaign, data.validation_rows)
    late_ts = next_hour(campaign.notify.eta_past, time.time())

    def describe(state: RunState) -> dict[str, Any]:
        stand = standings(state)
        answers = study.answers(stand, evaluation_of(run_dir, stand))
        workers = {"workers": sizing.count, "workers_limit": sizing.limit, "device": places[0].partition(":")[0]}
        notify = {"bell": campaign.notify.bell, "late_ts": late_ts, "on": campaign.notify.on}
        return workers | _describe(campaign, run_dir, created_ts, study.verdicts(stand), answers) | {"notify": notify}

    def report_if_due(state: RunState, notice: Notice, is_stopped: Callable[[], bool]) -> None:
        if reported.is_due(run_dir, campaign, standings(state)):
            report(run_dir, notice, is_stopped)

    def conclude(state: RunState) -> float:
        with suppress(RedisError):
            errands.sweep(state, time.monotonic())
        return _conclude(run_dir, campaign, state, study)

    here = len(places) if campaign.workers.count != 0 else 0
    sizing = Sizing(queue, here, devices.default_workers().amount, campaign.workers_elsewhere)
    upkeep = Upkeep(server, run_dir, campaign, data, records, sizing, describe)
    upkeep.open(created_ts)
    sizing.open()
    upkeep.tell(RunState())
    queue.finish(0.0)
    queue.want(Wanted.RUNNING)
    _tell_of(queue, data, placing)
    launcher = partial(_launcher, chosen, campaign, places)
    elsewhere = blocks.outposts(campaign, run_dir, chosen.redis_url, ways)
    fleet = _fleet(launcher(sizing.count), sizing.count, places, elsewhere, run_dir)
    guard = Guard(queue, fleet, campaign.workers, records)
    store = open_store(queue, campaign.store.url, campaign.name, created_ts)
    sends_data = campaign.store.send_data
    errands = Errands(queue, run_dir, store, campaign.data.path, data.digest, sends_data=sends_data)
    placed, allowed = Placed(queue, fleet), Allowed(queue, fleet)
    allowed.follow()  # before the first worker is started

    def serve(state: RunState) -> None:
        errands.serve(state)
        allowed.follow()
        placed.tell()

    hooks = Hooks(
        upkeep.ensure,
        upkeep.audit,
        lambda task: study.take(task.id, standing(task)),
        upkeep.tell,
        conclude,
        lambda state: data.test_rows > 0 and is_due(run_dir, campaign, standings(state)),
        lambda state, tell: _evaluate(run_dir, campaign, tell),
        lambda why: lock.say(ready=True, hindered=why),
        lambda state: sizing.follow(state, fleet, launcher, upkeep.tell),
        serve,
        report_if_due,
    )
    ids = frozenset(task.id for task in campaign.tasks)
    interim = Interim(lambda state: write_results(run_dir, campaign, standings(state), study))
    history = History(run_dir.history)
    presence = Presence(queue, campaign.workers.weight, lambda: history.expected_ts)
    watching = [*reporters, history, interim, presence]
    return Supervisor(queue, server.feed(), fleet, guard, records, hooks, watching, ids, store)


def _fleet(
    launcher: Launcher, count: int, places: Sequence[str], elsewhere: Sequence[Outpost], run_dir: RunDir
) -> Fleet:
    """Return the run's workers, with those that a former supervisor has left."""
    fleet = Fleet(launcher, count, [devices.environment_of(place) for place in places], elsewhere)
    if adopted := fleet.adopt(left_behind(run_dir.path)):
        log.info("took over the workers %s", ", ".join(adopted))
    return fleet


def _tell_of(queue: Queue, data: DataSummary, placing: Placing) -> None:
    """Notice what is to be known of the data, and why the run trains where it does."""
    for note in (*data.notes, placing.reason):
        if note:
            queue.notice("info", note)
    for warning in data.warnings:
        queue.notice("warning", warning)


def _conclude(run_dir: RunDir, campaign: Campaign, state: RunState, study: Study) -> float:
    write_results(run_dir, campaign, standings(state), study)
    return manifest.finish(run_dir, state, time.time())


def _evaluate(run_dir: RunDir, campaign: Campaign, tell: Callable[[str], None]) -> None:
    """Evaluate a run. What that takes is loaded now: a run that goes on has no use for it."""
    evaluating = importlib.import_module("cqltui.app.evaluating")
    asked = evaluating.Asked("every task of the campaign is done", settings=campaign.evaluate)
    evaluating.evaluate_run(run_dir, asked, once_long(lambda what: tell(f"evaluating: {what}")))


def _describe(
    campaign: Campaign,
    run_dir: RunDir,
    created_ts: float,
    verdicts: Mapping[str, Sequence[Verdict]],
    answers: Sequence[Answered],
) -> dict[str, Any]:
    """Return what `state.decode.campaign` reads but for the workers, with the criteria and answers as they stand."""
    return {
        "name": campaign.name,
        "title": campaign.title,
        "description": campaign.description,
        "run_dir": str(run_dir.path),
        "host": socket.gethostname(),
        "owner": asker(),
        "process": to_builtins(here()),
        "started_ts": created_ts,
        "sends_data": campaign.store.send_data,
        "phases": [
            {
                "name": phase.name,
                "title": phase.title,
                "priority": phase.priority,
                "goal": phase.goal,
                "questions": [question.text for question in phase.questions],
                "expected": phase.expected,
                "verdicts": [to_builtins(verdict) for verdict in verdicts[phase.name]],
                "answers": [
                    {"question": each.question.text, "lines": list(each.answer.lines)}
                    for each in answers
                    if each.phase == phase.name
                ],
            }
            for phase in campaign.phases
        ],
    }


def _launcher(chosen: RunOptions, campaign: Campaign, places: Sequence[str], count: int) -> Launcher:
    """Return how workers are started of which there are `count`, at these places in turn."""
    workers = campaign.workers
    share = max(Counter(places[number % len(places)] for number in range(count)).values(), default=1)
    arguments = ["--run-dir", str(chosen.run_dir.path), "--poll-interval", str(workers.poll_interval_s)]
    arguments += ["--device", places[0].partition(":")[0], "--share", str(share)]
    if workers.min_priority is not None:
        arguments += ["--min-priority", str(workers.min_priority)]
    environment = {STARTED_BY: cqltui.__version__}
    if chosen.redis_url is not None:
        environment[options.URL_VARIABLES[0]] = chosen.redis_url
    return Launcher(arguments, environment, chosen.run_dir.logs)
