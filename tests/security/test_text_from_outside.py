"""Text from outside steers neither a terminal nor a spreadsheet, and takes no time in the square of its length."""

import csv
import io
import logging
import os
import subprocess
import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis.exceptions import ResponseError

from cqltui.app.ending import summary_text
from cqltui.app.logform import log_plainly
from cqltui.broker.server import redis_cli
from cqltui.broker.server.checkup import Finding, Level
from cqltui.campaign.difference import KnownTask
from cqltui.campaign.load import load_campaign
from cqltui.child import find_program
from cqltui.cli import main
from cqltui.commands import doctor
from cqltui.errors import InputError, without_passwords
from cqltui.reporters.difference import withdrawn_lines
from cqltui.reporters.findings import print_findings
from cqltui.results.record import TaskRecord, TaskStanding
from cqltui.results.rundir import RunDir
from cqltui.results.tables import cell, phase_table
from cqltui.state.plain import plain, word
from tests.contract.servers import Canned
from tests.unit.test_difference import FILE, campaign_of

CLIPBOARD = "\x1b]52;c;aGFybQ==\x07"
"""OSC 52: a terminal that obeys it has "harm" in its clipboard."""
HOSTILE = f"before{CLIPBOARD}\u202eafter\x9b2J\x84"
LONG = 200_000
SECONDS = 1.0


def is_harmless(shown: str) -> bool:
    """Whether a terminal takes it for text."""
    return "aGFybQ" not in shown and all(char.isprintable() or char in "\n\t" for char in shown)


@pytest.mark.usefixtures("probed_once")
def test_what_a_server_says_to_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    with Canned({"PING": f"-ERR {HOSTILE}"}) as server:
        main(["doctor", "--redis-url", server.url])
    shown = capsys.readouterr().out
    assert "before" in shown
    assert is_harmless(shown)


def test_what_a_driver_says_to_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings([Finding(Level.ERROR, f"device {HOSTILE}", HOSTILE, HOSTILE)])
    doctor.tell(HOSTILE)
    answer = capsys.readouterr()
    assert is_harmless(answer.out)
    assert is_harmless(answer.err)


def test_what_is_quoted_in_a_log() -> None:
    out = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        log_plainly(logging.StreamHandler(out))
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            logging.getLogger("x").exception("the server says %s", HOSTILE)
    finally:
        root.handlers[:], root.level = before
    assert out.getvalue().count("before") == 2
    assert is_harmless(out.getvalue())
    assert "\n  File " in out.getvalue(), "a traceback keeps its shape"


def test_what_a_foreign_run_directory_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = RunDir(tmp_path / "run")
    run_dir.logs.mkdir(parents=True)
    run_dir.results.mkdir()
    run_dir.campaign_json.write_text("{}")
    run_dir.log("w1").write_text(f"{HOSTILE}\n")
    run_dir.summary_txt.write_text(f"{HOSTILE}\n")
    assert is_harmless(summary_text(run_dir))
    assert main(["logs", "w1", "--run-dir", str(run_dir.path)]) == 0
    assert is_harmless(capsys.readouterr().out)


def test_what_a_server_answers_to_redis_cli() -> None:
    class Refusing:
        connection_pool = property(lambda self: self)

        def get_connection(self) -> "Refusing":
            return self

        def release(self, _: object) -> None:
            pass

        def send_command(self, *_: bytes) -> None:
            pass

        def read_response(self) -> object:
            raise ResponseError(HOSTILE)

    out = io.StringIO()
    assert redis_cli.main(["ping"], Refusing(), out, formatted=True) == 1  # type: ignore[arg-type]  # as much as it needs
    assert is_harmless(out.getvalue())


SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"
"""With their fullwidth and small forms, which spreadsheets of some countries take for the same."""


@pytest.mark.parametrize("sign", [*SIGNS, "\t", "\r", "\n"], ids=ascii)
def test_a_spreadsheet_computes_nothing(sign: str) -> None:
    assert cell(f"{sign}cmd|'/c calc'!A0").startswith("'")
    assert cell(f"alpha {sign} x")[0] == "a"


@pytest.mark.parametrize(
    "before", [" ", "  ", "\t ", "\n", "\r\n", "\xa0", "\u3000", "\u200b", "\ufeff", '"', "\x00", ' "']
)
def test_what_a_spreadsheet_passes_over_hides_no_formula(before: str) -> None:
    assert all(cell(f"{before}{sign}1+1").startswith("'") for sign in SIGNS)


@pytest.mark.parametrize("separator", [";", '";', "|", "x;", 'x"; ', 'a;b|"'])
def test_a_cell_begins_behind_another_countrys_separator(separator: str) -> None:
    """The file's own quotes do not hold it: to a spreadsheet that looks for semicolons they stand within a cell."""
    line = io.StringIO()
    csv.writer(line).writerows(["a1", cell(f"{separator}{sign}1+1"), 0.5] for sign in SIGNS)
    for delimiter in ",;|\t":
        for row in csv.reader(io.StringIO(line.getvalue()), delimiter=delimiter):
            assert not [part for part in row if part.strip(' "')[:1] in tuple(SIGNS)], row


def test_other_text_stays_as_it_is() -> None:
    for text in ("alpha 0.3, lr 1e-3", "a - b", "x; y", "3 | 4", "[256, 128]", "", "x=1", "a@b", "é; ünï"):
        assert cell(text) == text
    assert cell("=1; =2") == "'=1;' =2"
    assert cell("\tx;=1") == "' x;'=1"


def test_a_tables_description_is_text(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(FILE.replace("[[phase]]", "[[phase]]\ntitle = '=1+1'", 1), encoding="utf-8")
    campaign = campaign_of(file)
    task = replace(next(campaign.tasks), description='=HYPERLINK("http://x","y")')
    record = TaskRecord(task, TaskStanding(), None)
    (row,) = csv.DictReader(io.StringIO(phase_table(campaign, [record])))
    assert row["description"] == '\'=HYPERLINK("http://x","y")'
    assert float(row["alpha"]) == task.trainer.alpha, "figures stay figures"


@pytest.mark.parametrize(
    "text",
    ["a" * LONG, "a:/" * LONG, "\x9d" * LONG + "\x1bX", "\x1b]" * LONG, "?" + "_" * LONG, "&a_" * LONG, "\x1b[" * LONG],
    ids=["letters", "schemes", "strings", "introducers", "underscores", "queries", "sequences"],
)
def test_no_filter_takes_long(text: str) -> None:
    began = time.process_time()
    without_passwords(text)
    plain(text, 4096)
    plain(text, LONG)
    assert time.process_time() - began < SECONDS


def test_passwords_are_hidden_as_before() -> None:
    for text, shown in (
        ("redis://u:p@h:1 and redis://u2:p2@h2", "redis://(hidden)@h2"),
        ("xRedis:/p@h\nunix://@/s", "xRedis:/(hidden)@h\nunix://(hidden)@/s"),
        ("redis://[user:password@]host", "redis://[user:password@]host"),
        ("a@b redis://h", "a@b redis://h"),
        ("redis://h?password=x&db=1", "redis://h?password=(hidden)&db=1"),
    ):
        assert without_passwords(text) == shown


@pytest.mark.parametrize("key", ["title", "description", "name"])
def test_a_title_of_80_kilobytes(tmp_path: Path, key: str) -> None:
    file = tmp_path / "long.toml"
    file.write_text(f'[campaign]\nname = "x"\n[[phase]]\n{key} = "{"a" * 80_000}"\n', encoding="utf-8")
    began = time.process_time()
    with pytest.raises(InputError):
        load_campaign(file)
    assert time.process_time() - began < SECONDS


def test_a_withdrawn_task_of_a_foreign_run(tmp_path: Path) -> None:
    known = KnownTask("a1", HOSTILE, HOSTILE, 3)
    assert all(map(is_harmless, withdrawn_lines([known, replace(known, done=True)])))


NAMES = ("a\n  --run-dir evil", "b\x1b]0;title\x07", "c'\t\\d", "e\udcff")


def test_a_run_directorys_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "campaign.json").write_text("{}")
    assert main(["status"]) == 2
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "cqltui: there are several runs, name one:"
    assert lines == [
        f"  --run-dir $'runs/{name}'" for name in (r"a\n  --run-dir evil", r"b\x1b]0;title\x07", r"c\'\t\\d", r"e\xff")
    ]
    for name, line in zip(NAMES[:3], lines, strict=False):
        for words in (["status"], ["stop"], ["worker", "--worker-id", "w"]):
            assert main([*words, "--run-dir", f"runs/{name}"]) == 2
            told = capsys.readouterr().err
            assert told.count("\n") == 1
            assert "has control characters in its name: choose another, or rename it (mv $'" in told
            assert line.partition("runs/")[2] in told


def test_a_word_is_read_by_a_shell_as_it_was() -> None:
    bash = find_program("bash")
    for text in (*NAMES, "plain", "it's", "\u202e", 'é "$HOME" `x`\n'):
        assert word(text).isprintable()
        if bash is not None:
            done = subprocess.run(
                [bash, "-c", os.fsencode(f"printf %s {word(text)}")],
                capture_output=True,
                check=True,
                env={"LC_ALL": "C.UTF-8"},
            )
            assert os.fsdecode(done.stdout) == text
