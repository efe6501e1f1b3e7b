"""What a run's networks advise on games that are still open, and how far they have been found good."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache, partial
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from cqltui.app.started import data_config
from cqltui.app.trained import ensemble_phase, load_dataset, model_paths, read_network
from cqltui.errors import InputError
from cqltui.results import chosen
from cqltui.results.chosen import Chosen, Member
from cqltui.results.evaluated import read_evaluation
from cqltui.results.evaluation import times_opened
from cqltui.results.left import from_disk
from cqltui.results.predictions import About, Predictions, prediction_rows
from cqltui.results.rundir import RunDir
from cqltui.results.standings import standings
from cqltui.state.model import RunState, Status
from trainer.config import DataConfig
from trainer.data.games import features_before
from trainer.data.types import DataError, Dataset, Float
from trainer.data.upcoming import load_upcoming
from trainer.evaluation.advice import advise
from trainer.evaluation.ensemble import choose_cut, opinions, q_values
from trainer.evaluation.evaluation import CONFIDENT, ENSEMBLE, SINGLE
from trainer.evaluation.verdicts import Verdict
from trainer.model import Model

MOST_DIFFERING = 0.5
"""Share of the games known to the run whose features may be others in a file: closing lines are corrected now and then.
With more, its history is another one."""
BEYOND_BELIEF = (Verdict.LEAK, Verdict.IMPLAUSIBLE)


def predict(run_dir: RunDir, path: Path, confident: float | None) -> Predictions:
    """Return what the run's networks advise on the games of a file that have no result.

    `confident`: share of validation's bets that the cut is to keep; None: the cut of the evaluation. Raises InputError.
    """
    config, digest = data_config(run_dir)
    state = from_disk(run_dir)
    networks, about = _networks(run_dir, state)
    models = [_model(run_dir, member, config) for member in networks.members]
    if not path.exists():
        raise InputError(f"{path}: there is no such file")
    dataset = cache(partial(load_dataset, config, digest))
    if confident is not None:
        networks, about = _cut_anew(networks, about, models, dataset, confident)
    try:
        upcoming = load_upcoming(path, config)
        notes = (*upcoming.notes, *_history_notes(path, config, dataset))
    except DataError as error:
        raise InputError(str(error)) from error
    q = _asked(models, upcoming.states[upcoming.known])
    return Predictions(about, tuple(prediction_rows(upcoming, advise(q, networks.threshold))), notes)


def _networks(run_dir: RunDir, state: RunState) -> tuple[Chosen, About]:
    """Return the networks that the evaluation has chosen: that of test rows, else of validation rows, else all last
    ones of the ensemble. Raises InputError."""
    done = {task.id: task for task in state.tasks.values() if task.status is Status.DONE}
    if not done:
        raise InputError(f"{run_dir.path}: no task is done: there is no network to ask")
    standing = standings(state)
    test = chosen.current(run_dir, standing, run_dir.evaluation_json)
    place = run_dir.validation_json if test is None else run_dir.evaluation_json
    found = chosen.current(run_dir, standing, place) if test is None else test
    if found is not None:
        networks, by = chosen.chosen_by(found, place, done), "as chosen on validation rows"
    else:
        networks, by = _unchosen(run_dir, state), "not chosen by validation: the last weights"
    single = len(networks.members) == 1
    policy = SINGLE if single else ENSEMBLE if networks.threshold is None else CONFIDENT
    told = None if test is None else chosen.told_of(test, policy)
    first = networks.members[0]
    source = f"task {first.task}" if single else f"phase {done[first.task].info.phase}"
    read = found or read_evaluation(run_dir.evaluation_json)  # of earlier results: its audit is of the same data
    opened = "not known" if times_opened(run_dir) else "not made"
    grade, trusted = (opened, True) if read is None else (chosen.grade(read), chosen.is_trusted(read))
    about = About(
        policy=policy,
        told=told,
        caveat="" if told is not None else _why_none(run_dir, found is not None, policy if test else ""),
        leak_audit=grade,
        trusted=trusted and (told is None or told.verdict not in BEYOND_BELIEF),
        networks=len(networks.members),
        source=f"{source} ({first.which} weights)",
        chosen_by=by,
        threshold=_finite(networks.threshold),
        share=networks.share,
    )
    return networks, about


def _unchosen(run_dir: RunDir, state: RunState) -> Chosen:
    """Return the last weights of the ensemble, or of the only task. Raises InputError."""
    done = [task for task in state.tasks.values() if task.status is Status.DONE]
    phase = ensemble_phase(state)
    members = done if len(done) == 1 else [task for task in done if task.info.phase == phase]
    if not members:
        raise InputError(
            f"{run_dir.path}: nothing says which of its {len(done)} networks to ask: `cqltui evaluate` chooses, with "
            "--validation without a look at the test rows"
        )
    return Chosen(tuple(Member(task.id, "last") for task in sorted(members, key=lambda task: task.info.index)))


def _why_none(run_dir: RunDir, has_choice: bool, policy: str) -> str:
    if policy:
        return f"the evaluation says nothing of {policy}"
    if has_choice:
        return "the test rows have not been looked at: `cqltui evaluate` does"
    if read_evaluation(run_dir.evaluation_json) is not None:
        return "the evaluation is of other results than there are now: `cqltui evaluate` makes another"
    if times_opened(run_dir):
        return "the evaluation that was made is not there any more: `cqltui evaluate` makes it again"
    return "not evaluated: `cqltui evaluate` does"


def _model(run_dir: RunDir, member: Member, config: DataConfig) -> Model:
    paths = model_paths(run_dir, member.task)
    if member.which not in paths:
        there = ", ".join(paths) or "none"
        raise InputError(
            f"{run_dir.task(member.task)}: the weights {member.which!r} are not there any more (there are: {there}): "
            "run `cqltui evaluate` again, which chooses among those there are"
        )
    return read_network(paths[member.which], tuple(feature for feature, _ in config.state_cols))


def _cut_anew(
    networks: Chosen, about: About, models: Sequence[Model], dataset: Callable[[], Dataset], share: float
) -> tuple[Chosen, About]:
    """Return the networks with the cut that keeps this share of validation's bets. Raises InputError."""
    if len(models) < 2:
        raise InputError("--confident: only an ensemble tells how certain it is, and the run's choice is one network")
    if networks.share is not None and abs(networks.share - share) < 1e-9:
        return networks, about
    try:
        validation = dataset().validation
    except InputError as error:
        raise InputError(
            f"--confident {share:g} needs the validation rows, by which the cut is made: {error}"
        ) from error
    if not len(validation):
        raise InputError(f"--confident {share:g}: the run has no validation rows, by which the cut would be made")
    with np.errstate(invalid="ignore"):
        cut = choose_cut(opinions(_asked(models, validation.states)).uncertainty, share)
    caveat = about.caveat
    if about.told is not None:
        kept = "all of its bets" if networks.share is None else f"the most confident {networks.share:.0%}"
        caveat = f"it is of {kept}, not of the most confident {share:.0%} that are asked for"
    told = replace(about, policy=CONFIDENT, caveat=caveat, threshold=_finite(cut.threshold), share=share)
    return Chosen(networks.members, cut.threshold, share), told


def _asked(models: Sequence[Model], states: Float) -> Float:
    """Return Q values [M, N, A]; not finite where weights are damaged, which the advice tells."""
    with np.errstate(over="ignore", invalid="ignore"):
        return q_values(models, states)


def _history_notes(path: Path, config: DataConfig, dataset: Callable[[], Dataset]) -> list[str]:
    """Return what there is to say of a file of games beside the run's own data, whose ratings it has to give again.
    Raises InputError for another history, and DataError."""
    if config.source != "games":
        return []
    try:
        trained_on = dataset()
    except InputError as error:
        return [f"whether its features are those of training could not be compared: {error}"]
    if config.path is not None and config.path.resolve() == path.resolve():
        return []
    ids, states = features_before(path, config)(date.max)
    here = {game: row.tobytes() for game, row in zip(ids, states, strict=True)}
    parts = (trained_on.train, trained_on.validation, trained_on.test)
    known = {
        game: row.tobytes()
        for part in parts
        for game, row in zip(part.game_ids or (), part.states, strict=True)
    }  # fmt: skip
    shared = here.keys() & known.keys()
    differing = sorted(game for game in shared if here[game] != known[game])
    if not shared:
        return ["no game of the run's data has a result in it: whether its ratings are those of training is not known"]
    said = f"{len(differing):,} of the {len(shared):,} games that the run knows too have other features here"
    if len(differing) > MOST_DIFFERING * len(shared):
        raise InputError(
            f"{path}: {said} than it was trained on: ratings come from all games before, so give the file of the run "
            "with the new games added"
        )
    return [f"{said}; the first is {differing[0]}"] if differing else []


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
