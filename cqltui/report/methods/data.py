"""What was trained on: the source, the decisions, the log, and the split."""

from collections.abc import Iterator

from cqltui.report.material import Material
from cqltui.report.methods.markup import Items, Part, Section, code, quoted, share
from trainer.config import ACTIONS, STAKES, Split
from trainer.data import behaviour, games, logged, margins, ratings, simulated
from trainer.data.outcomes import STANDARD_ODDS

MOST_NOTES = 20


def data_section(material: Material) -> Section:
    """Return what the rows are, and what was held back."""
    its = material.provenance
    return Section(
        "Data",
        (
            *_source(material),
            *_decisions(material),
            _split(material),
            f"Training rows: {its.rows.get('train', 0):,}; validation rows: {its.rows.get('validation', 0):,}; test "
            f"rows: {its.rows.get('test', 0):,}. SHA-256 of the training and validation rows: {code(its.data_digest)}.",
        ),
    )


def _source(material: Material) -> Iterator[Part]:
    config, its = material.campaign.data, material.provenance
    if its.data_source == "simulated":
        yield (
            f"The data is a simulated market of games (seed {config.seed}). The market's expected margin is normal "
            f"with mean {simulated.EXPECTED_MEAN:g} and standard deviation {simulated.EXPECTED_SD:g} points; it posts "
            "the half-point spread that splits the outcomes most evenly, and prices both sides such that, by what it "
            f"knows, either loses an overround of {share(margins.OVERROUND, 2)}. The true expectation differs from the "
            f"market's by {config.edge_size:g} points times a standard normal signal that the market overlooks. A "
            f"model's expectation differs from the market's by a normal disagreement of {simulated.DISAGREEMENT_SD:g} "
            f"points (standard deviation), which correlates with that signal by {simulated.SKILL:g}. Margins are drawn "
            f"from a discrete normal distribution of standard deviation {margins.SIGMA:g} points, reweighted at the "
            "margins by which games often end."
        )
    elif its.data_source == "games":
        yield (
            f"The data is a schedule of real games in the nflverse format ({code(its.data_path)}). Features use what "
            f"was known before the day of a game. A team's rating moves by {ratings.GAIN:g} of the difference between "
            f"the final and the expected margin, and keeps {ratings.CARRY_OVER:g} of its value from season to season; "
            f"the home advantage is {ratings.HOME_ADVANTAGE:g} points. The model's probability to win is a logistic "
            "regression on the expected margin, fitted on earlier seasons only, so that the first season of the file "
            "is not used. The market's is that of the moneylines without vig or, where there are none, a logistic "
            f"function of the spread (intercept {games.LOGIT_INTERCEPT:g}, {games.LOGIT_PER_POINT:g} a point). Where a "
            f"game has no spread odds, {STANDARD_ODDS:g} is taken for both sides."
        )
    else:
        yield (
            f"The data is a log of decisions ({code(its.data_path)}) with the states, actions and rewards that it "
            "gives. Where the file has scores, the outcome of both sides follows from them, at the file's odds or "
            f"else at {STANDARD_ODDS:g}."
        )
    if its.data_notes:
        yield "As the data was read it was noted:"
        yield Items(tuple(quoted(note) for note in its.data_notes[:MOST_NOTES]))


def _decisions(material: Material) -> Iterator[str]:
    config, source = material.campaign.data, material.provenance.data_source
    named = [
        code(name) if name == column else f"{code(name)} (column {code(column)})" for name, column in config.state_cols
    ]
    yield f"A state has {len(named)} feature{'s' if len(named) != 1 else ''}: {', '.join(named)}."
    stakes = ", ".join(f"{name} ({stake:g})" for name, stake in zip(ACTIONS, STAKES, strict=True))
    yield (
        f"An action is the stake of a bet, as a share of the largest stake: {stakes}. Each decision is an episode of "
        "its own: no state follows."
    )
    if source == "logged":
        yield "Rewards are those of the log, which has them as shares of the largest stake."
        yield (
            "Where the log tells a bet or none only, the size of the bet follows from the feature "
            f"{code(logged.EDGE)}: small below {behaviour.SMALL_BELOW:g}, medium below {behaviour.MEDIUM_BELOW:g}, "
            "else large."
        )
        return
    yield (
        "A game is seen from the side that the model prefers: that whose probability to win is larger by the model "
        "than by the market. The reward is the stake times the unit return of a bet on that side: the net odds if it "
        "covers the spread, -1 if it does not, 0 on a push. Logged actions are drawn from a policy whose bets grow "
        f"with the difference of both probabilities: none below {behaviour.NO_BET_BELOW:g}, small below "
        f"{behaviour.SMALL_BELOW:g}, medium below {behaviour.MEDIUM_BELOW:g}, else large; {share(behaviour.EPSILON)} "
        "of the decisions are drawn from all actions alike, so that the propensity of every action is known."
    )


def _split(material: Material) -> str:
    source, split = material.provenance.data_source, material.campaign.data.split
    if split is None:
        usual = {"simulated": simulated.DEFAULT_SPLIT, "games": games.DEFAULT_SPLIT}.get(source, logged.DEFAULT_SPLIT)
        said = f"The rows were split by time, {_split_words(usual)}"
        if source == "logged":
            said += f"; or, where the file has too few seasons or tells none, {_split_words(logged.FALLBACK)}"
    else:
        said = f"The rows were split by time, {_split_words(split)}"
    return (
        f"{said}. Networks are trained on the training rows alone. Validation losses are computed on the validation "
        "rows, by which all choices are made; test rows are for the evaluation alone."
    )


def _split_words(split: Split) -> str:
    if split.validation_fraction is not None:
        test = f" and the last {share(split.test_fraction)} for test" if split.test_fraction else ""
        after = " before those" if test else ""
        return f"the last {share(split.validation_fraction)}{after} for validation{test}"
    if split.train_until is not None:
        until = split.validate_until if split.validate_until is not None else split.train_until
        validation = f", those up to {until} for validation" if until > split.train_until else ""
        return f"seasons up to {split.train_until} for training{validation}, later ones for test"
    test = f" and the last {_seasons(split.test_seasons)} for test" if split.test_seasons else ""
    before = " before those" if test else ""
    return f"the last {_seasons(split.validation_seasons or 0)}{before} for validation{test}"


def _seasons(count: int) -> str:
    return f"{count} season{'s' if count != 1 else ''}"
