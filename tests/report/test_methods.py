"""The methods section: every value from the material or the code, every sentence true of the configuration at hand."""

import copy
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cqltui.judging.evaluated import at
from cqltui.report.material import Material
from cqltui.report.methods import BIBLIOGRAPHY, methods_md, methods_tex
from cqltui.report.methods.bibliography import REFERENCES, author_year
from cqltui.report.tables import members, performance
from tests.report.materials import CAMPAIGN, material, provenance
from trainer import data
from trainer.config import DataConfig
from trainer.evaluation import verdicts
from trainer.evaluation.evaluation import CONFIDENT, ENSEMBLE, SINGLE

AUDIT = {"grade": "CLEAN", "trusted": True, "findings": [{}, {}, {}]}
EVALUATION: dict[str, Any] = {
    "part": "test",
    "leak_audit": AUDIT,
    "provenance": {"settings": {"seed": 16, "resamples": 321, "confident": 0.2}},
    "choices": {
        "single": {"task": "abcd", "which": "best", "epoch": 2, "by": "outcomes"},
        "ensemble": [{"task": name, "which": "last", "epoch": 4} for name in ("a", "b", "c")],
        "ensemble_by": "outcomes",
        "cut": {"threshold": 0.125, "share": 0.2, "bets": 50, "coverage": 0.22},
    },
    "policies": [{"name": name} for name in ("random", "Kelly, lower 5%", SINGLE, ENSEMBLE, CONFIDENT, "of tomorrow")],
    "tasks": [{}, {}, {}, {}, {}],
    "ensemble": {"members": 3, "coverage": 0.19},
    "off_policy": {"is_answer": False},
}
HOSTILE = r"100% $x$ [@evil] `q` \input{x} a_b & # ~ ^ <b> " + "\u201cquoted\u201d"


def whole(**changes: Any) -> Material:
    """A run with everything that methods can tell of."""
    return material(evaluation={**EVALUATION, **changes}, audit=AUDIT, opened=({}, {}))


def test_values_are_those_of_the_configuration_and_the_evaluation() -> None:
    text = methods_md(whole())
    for said in (
        "alpha `0.3, 0.5`",
        "$\\varepsilon = 10^{-5}$",
        "hidden layers `[8,4]`",
        "seed `1, 2, 3`",
        "`ensemble` (3 tasks)",
        "321 times",
        "seed 16",
        "task `abcd` (weights `best`, epoch 2)",
        "has 3 members",
        "most confident 20 % of the 50 bets on the validation rows pass; 22.0 % do, and 19.0 %",
        "They were looked at 2 times in all",
        "Training rows: 1,675; validation rows: 570; test rows: 570",
        "of all 5 tasks",
        "made 3 findings; the worst grade was `clean`",
        "5 tasks were trained by 2 workers (devices: `cpu`)",
        "Versions: cqltui `0.1.0`, numpy `2.4.6`, python `3.12.0`.",
        "- Kelly, John L. (1956): A New Interpretation of Information Rate. Bell System Technical Journal 35(4), "
        "917\u2013926.\n- Kingma",
        "the last 2 seasons before those for validation and the last 2 seasons for test",
    ):
        assert said in text, said
    assert "- `of tomorrow`\n" in text


def test_constants_are_taken_from_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "above 58 % with 50 bets" in methods_md(whole())
    monkeypatch.setattr(verdicts, "IMPLAUSIBLE_WIN_RATE", 0.61)
    assert "above 61 % with 50 bets" in methods_md(whole())


def test_what_was_not_done_is_not_told() -> None:
    text = methods_md(material())
    assert "have not been evaluated" in text
    for word in ("Kelly", "bootstrap", "ensemble [@", "doubly robust", "AUC", "verdict"):
        assert word not in text
    assert "still to come" not in text
    assert "2 of 5 tasks have a result; others are still to come" in methods_md(material(waiting=[0, 1, 2]))


def test_without_an_ensemble_nothing_is_said_of_its_uncertainty() -> None:
    text = methods_md(whole(choices={"single": EVALUATION["choices"]["single"], "ensemble": []}, ensemble=None))
    assert "There is no ensemble" in text
    assert "Uncertainty of the ensemble" not in text
    assert "A bet is confident" not in text


def test_without_outcomes_there_are_estimates_only() -> None:
    text = methods_md(whole(off_policy={"is_answer": True}, policies=[], ensemble={"members": 3}))
    assert "what policies are worth is estimated by the log" in text
    assert "## Off-policy estimates" in text
    for title in ("Policies and stakes", "Intervals, comparisons and verdicts", "Uncertainty of the ensemble"):
        assert f"## {title}" not in text
    assert "beside what its bets returned" not in text


def test_validation_figures_are_said_to_flatter() -> None:
    text = methods_md(whole(part="validation"))
    assert "flatter what was chosen" in text
    assert "looked at" not in text


@pytest.mark.parametrize(
    ("split", "said"),
    [
        (
            "train_until = 2018, validate_until = 2020",
            "seasons up to 2018 for training, those up to 2020 for validation",
        ),
        ("train_until = 2018, validate_until = 2018", "seasons up to 2018 for training, later ones for test"),
        ("validation_seasons = 1, test_seasons = 0", "the last 1 season for validation."),
        ("validation_fraction = 0.25, test_fraction = 0.0", "the last 25 % for validation."),
        (
            "validation_fraction = 0.2, test_fraction = 0.1",
            "last 20 % before those for validation and the last 10 % for test",
        ),
    ],
)
def test_the_split_is_told_as_it_was_asked_for(split: str, said: str) -> None:
    source = 'source = "logged"\npath = "log.csv"' if "fraction" in split else 'source = "simulated"'
    text = CAMPAIGN.replace('source = "simulated"', f"{source}\nsplit = {{ {split} }}")
    where = provenance(data_source="logged" if "fraction" in split else "simulated", data_path="log.csv")
    assert said in methods_md(material(text, provenance=where))


def test_real_games_and_logs_are_described_as_what_they_are() -> None:
    games = methods_md(
        material(provenance=provenance(data_source="games", data_path="g.csv", data_notes=("3 left out",)))
    )
    assert "schedule of real games in the nflverse format (`g.csv`)" in games
    assert "- \u201c3 left out\u201d" in games
    logged = methods_md(material(provenance=provenance(data_source="logged", data_path="l.csv")))
    assert "log of decisions (`l.csv`)" in logged
    assert "or, where the file has too few seasons or tells none, the last 20 % for validation" in logged
    for text in (games, logged):
        assert "simulated market" not in text


def test_features_are_named_with_the_column_that_they_come_from() -> None:
    text = CAMPAIGN.replace('source = "simulated"', 'source = "logged"\npath = "l.csv"').replace(
        "[trainer]", '[trainer]\nstate_cols = { spread_close = "line", edge = "edge" }'
    )
    assert "A state has 2 features: `spread_close` (column `line`), `edge`." in methods_md(material(text))


def test_each_decision_is_an_episode_as_the_methods_say(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("edge,action,r\n" + "".join(f"0.0{place % 9},{place % 4},{place % 3 - 1}\n" for place in range(20)))
    columns = (("edge", "edge"),)
    for dataset in (data.load(DataConfig()), data.load(DataConfig("logged", path, state_cols=columns))):
        assert all(part.terminals.all() for part in (dataset.train, dataset.validation, dataset.test))
    assert "$d = 1$ and $y = r$ in all rows" in methods_md(material())


def test_changed_files_and_early_stops_are_told() -> None:
    text = methods_md(material(provenance=provenance(git_commit="abc", git_dirty=True)))
    assert "Git commit: `abc`, from which files differed." in text
    stopping = material(CAMPAIGN.replace("epochs = 4", "epochs = 4\nearly_stop = { patience = 2 }"))
    assert "but for deciding where a task stops early" in methods_md(stopping)
    assert "but for deciding" not in methods_md(material())


def test_foreign_text_is_shown_and_not_read() -> None:
    base = whole()
    hostile = replace(
        base,
        campaign=replace(base.campaign, title=HOSTILE),
        provenance=replace(base.provenance, command=("cqltui", HOSTILE, "`")),
    )
    tex, text = methods_tex(hostile), methods_md(hostile)
    assert r"100\% \$x\$ [@evil] `q` \textbackslash{}input\{x\} a\_b \& \#" in tex
    assert r"\input" not in tex
    assert "evil" not in "".join(re.findall(r"\\cite\{([^}]*)\}", tex))
    assert r"\[@evil\]" in text
    assert "<b>" not in text.replace(f"`cqltui {HOSTILE.replace('`', chr(39))} '`", "")


def test_everything_that_is_cited_is_in_the_bibliography_and_the_other_way_round() -> None:
    tex, text = methods_tex(whole()), methods_md(whole())
    keys = {key for group in re.findall(r"\\cite\{([^}]*)\}", tex) for key in group.split(",")}
    assert keys == set(REFERENCES) == set(re.findall(r"@\w+\{(\w+),", BIBLIOGRAPHY))
    assert "[@" not in text
    for key in keys:
        assert author_year(key) in text
    assert BIBLIOGRAPHY.count("{") == BIBLIOGRAPHY.count("}")
    assert r"Dud{\'\i}k" in BIBLIOGRAPHY


def test_an_entry_of_the_bibliography_has_its_fields() -> None:
    entry = next(it for it in BIBLIOGRAPHY.split("\n\n") if "{romano2005," in it)
    assert entry.splitlines() == [
        "@article{romano2005,",
        "  author = {Romano, Joseph P. and Wolf, Michael},",
        "  title = {{Stepwise Multiple Testing as Formalized Data Snooping}},",
        "  journal = {Econometrica},",
        "  year = {2005},",
        "  volume = {73},",
        "  number = {4},",
        "  pages = {1237--1282},",
        "}",
    ]
    assert r"publisher = {Chapman \& Hall}" in BIBLIOGRAPHY
    assert "howpublished = {arXiv:1607.06450}" in BIBLIOGRAPHY
    assert "and Silver, David and others}" in BIBLIOGRAPHY


def test_references_of_three_and_of_unnamed_authors_are_shortened() -> None:
    assert author_year("kumar2020") == "Kumar et al., 2020"
    assert author_year("romano2005") == "Romano and Wolf, 2005"
    assert author_year("huber1964") == "Huber, 1964"


def test_a_formula_is_of_its_paragraph() -> None:
    tex = methods_tex(material())
    assert "is\n\\begin{equation}" in tex
    assert "\\end{equation}\nwith Huber" in tex
    assert "\\end{equation}\n\nThe target network" in tex


def places(value: object) -> Iterator[tuple[str | int, ...]]:
    """The way to each part of a document."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (key,)
            yield from ((key, *deeper) for deeper in places(inner))


def test_a_damaged_evaluation_makes_no_report_fail() -> None:
    base = whole()
    first = base.records[0].task.id
    sound = {
        **EVALUATION,
        "choices": {**EVALUATION["choices"], "single": {"task": first, "which": "last"}},
        "log_match": [{"task": first, "which": "last", "match_rate": 0.5}],
        "ensemble": {"members": 3, "q_std": 0.1, "distribution": {"no_bet_mean": 0.1, "per_stake": [1, 2, 3]}},
    }
    for place in places(sound):
        damages: tuple[Any, ...] = (None, "x", [[7]], {"a": []}, 1e308)
        for damage in damages:
            document: Any = copy.deepcopy(sound)
            inner = document
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = damage
            broken = replace(base, evaluation=document, audit=at(document, "leak_audit") or None)
            assert methods_md(broken)
            assert all(make(broken) for make in (members.ensemble_uncertainty, performance.performance))


def test_words_of_the_section_in_latex() -> None:
    tex = methods_tex(whole())
    assert r"loss $H$~\cite{huber1964}, which" in tex
    assert "\\subsection{Leak audit}\n\nIt was tested whether the features" in tex
    assert r"the same by the 5~\% quantile" in tex
    assert r"early stop \texttt{off}" in tex
    assert tex.startswith("\\begingroup")
    assert tex.endswith("\\par\\endgroup\n")
    assert "A bet is confident" not in methods_tex(whole(choices={**EVALUATION["choices"], "cut": {"threshold": None}}))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed (texlive-latex-recommended)")
def test_the_section_compiles_without_overfull_lines(tmp_path: Path) -> None:
    base = whole()
    hostile = replace(base, campaign=replace(base.campaign, title=HOSTILE))
    (tmp_path / "methods.tex").write_text(methods_tex(hostile), "utf-8")
    (tmp_path / "main.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{amsmath}\begin{document}\section{Methods}"
        r"\input{methods}\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main"],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=False,
    )
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    assert not [width for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(width) > 5]


def test_kinds_of_processors_are_told_and_what_they_mean() -> None:
    run = whole()

    def said(*cpus: str) -> str:
        records = tuple(
            replace(record, result=record.result and replace(record.result, cpu=cpu))
            for record, cpu in zip(run.records, cpus, strict=True)
        )
        return methods_md(replace(run, records=records))

    assert "Processors" not in said("", "", "", "", "")
    assert "Processors: `Xeon`.\n" in said("Xeon", "Xeon", "", "", "Xeon")
    two = said("Xeon", "Xeon; EPYC", "Xeon; EPYC", "", "EPYC")
    assert "Processors: `Xeon`, `EPYC`. Weights are the same bit for bit on one kind of processor only; 2 tasks" in two
    assert "2 tasks went on on another kind." in two
    assert "on one kind of processor only.\n" in said("Xeon", "EPYC", "", "", "")
