"""The rooms whose tests are tried, each with its code and the tests that have to notice a change of it."""

from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]


class Room(Struct, frozen=True):
    """Globs of code and of tests, from the root of the repository."""

    name: str
    code: tuple[str, ...]
    """Where changes are drawn by chance; a room without has the named ones only."""
    tests: tuple[str, ...]
    wanted: float = 0.85
    """Share of the changes that has to be noticed."""

    def files(self) -> list[str]:
        """The files of code, in order."""
        return _found(self.code)

    def test_files(self) -> list[str]:
        """The files of tests, in order."""
        return _found(self.tests)


def _found(patterns: tuple[str, ...]) -> list[str]:
    found = {path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(pattern)}
    return sorted(name for name in found if not name.endswith("__init__.py"))


def _each(pattern: str, names: str) -> tuple[str, ...]:
    return tuple(pattern.format(name) for name in names.split())


ROOMS = (
    Room(
        "campaign",
        ("cqltui/campaign/*.py",),
        tuple(
            f"tests/unit/test_{name}*.py"
            for name in (
                "campaign_files",
                "difference",
                "fields",
                "grid",
                "judging",
                "load",
                "payload",
                "placing",
                "plan",
            )
        ),
    ),
    Room(
        "state",
        ("cqltui/state/*.py",),
        (
            *_each("tests/contract/test_{}.py", "forms pages*"),
            *(
                f"tests/unit/test_{name}*.py"
                for name in (
                    "alerts",
                    "counting",
                    "curve",
                    "decode",
                    "forms",
                    "eta",
                    "filter",
                    "happened",
                    "hardware",
                    "lanes",
                    "latest",
                    "layered",
                    "paging",
                    "rates",
                    "reduce",
                    "reporters",
                    "select",
                    "state",
                    "varying",
                )
            ),
        ),
    ),
    Room(
        "judging",
        ("cqltui/judging/*.py", "cqltui/results/study.py"),
        ("tests/unit/test_criteria*.py", "tests/unit/test_judging*.py"),
    ),
    Room(
        "data",
        ("trainer/data/*.py", "trainer/names.py"),
        ("tests/trainer/test_data_*.py", "tests/trainer/test_names.py"),
    ),
    Room("evaluation", ("trainer/evaluation/*.py",), ("tests/evaluation/test_*.py",)),
    Room(
        "results",
        ("cqltui/results/*.py",),
        (
            *(
                f"tests/unit/test_{name}*.py"
                for name in (
                    "curve_files",
                    "filing",
                    "folders",
                    "known",
                    "left",
                    "metrics_file",
                    "outline",
                    "parquet",
                    "predictions",
                    "records",
                    "reported",
                    "results",
                    "tally",
                )
            ),
            "tests/unit/test_plan.py",  # the room on the disk
            *_each("tests/integration/test_{}.py", "evaluate predict cleaning"),
            "tests/security/test_results_are_checked.py",
        ),
    ),
    Room(
        "store",
        ("cqltui/store/*.py", "cqltui/worker/travel.py", "cqltui/supervisor/errands.py"),
        ("tests/unit/test_parcels.py", "tests/contract/test_objects.py", "tests/integration/test_travelling.py"),
    ),
    Room("report", ("cqltui/report/*.py", "cqltui/report/*/*.py"), ("tests/report/test_*.py",)),
    Room("ledger", ("cqltui/ledger/*.py",), ("tests/unit/test_ledger*.py",)),
    Room(
        "drawing",
        (
            "cqltui/report/drawing/*.py",
            "cqltui/report/thinning.py",
            *(f"cqltui/report/figures/{name}.py" for name in ("clock", "lanes", "night", "pareto", "parts")),
            *(f"cqltui/report/figures/{name}.py" for name in ("settings", "training")),
        ),
        tuple(f"tests/report/test_{name}.py" for name in ("drawing", "night_figures", "training_figures")),
    ),
    Room(
        "private",
        ("trainer/private.py",),
        tuple(f"tests/security/test_{name}.py" for name in ("code_cache", "copied_run", "socket_folders_parents")),
    ),
    Room(
        "columns",
        (
            *(f"cqltui/ui/panels/{name}.py" for name in ("columns", "cursor", "fit", "rows", "tasklist", "tasks")),
            *(f"cqltui/ui/{name}.py" for name in ("figures", "folding", "listing", "marks")),
        ),
        tuple(f"tests/ui/test_{name}*.py" for name in ("columns", "folding", "keys", "screens", "table")),
    ),
    Room(
        "looks",
        (
            "cqltui/app/preferences.py",
            "cqltui/app/terminal.py",
            *(f"cqltui/ui/{name}.py" for name in ("announcing", "ground", "incoming", "keymap", "signs", "words")),
        ),
        ("tests/unit/test_preferences.py", "tests/ui/test_incoming.py", "tests/ui/test_looks.py"),
    ),
    Room(
        "frame",
        ("cqltui/app/remembering.py", "cqltui/ui/layout.py", "cqltui/ui/memory.py", "cqltui/ui/remembered.py"),
        ("tests/unit/test_layout.py", "tests/unit/test_remembering.py"),
    ),
    Room(
        "chart",
        ("cqltui/ui/chart/*.py", "cqltui/report/scales.py"),
        (
            *(f"tests/ui/test_{name}.py" for name in ("chart", "chart_content", "chart_many", "chart_scale")),
            "tests/report/test_drawing.py",
        ),
    ),
    Room(
        "details",
        (
            "cqltui/ui/details/*.py",
            "cqltui/results/taskrecord.py",
            *_each("cqltui/ui/{}/details.py", "panels screens"),
        ),
        (
            "tests/unit/test_record.py",
            *_each("tests/ui/test_{}.py", "bindings details_keys details_lines details_panel screens"),
        ),
    ),
    Room(
        "lines",
        _each("cqltui/ui/{}.py", "evaluationlines gaugelines happenedlines intervals loglines policytable signs spark"),
        _each("tests/ui/test_{}.py", "evaluation_lines events_panel gauge_lines loglines looks"),
    ),
    Room(
        "drawing",
        _each("cqltui/ui/{}.py", "internals leanstrip lru panels/viewframe regions sheet"),
        _each("tests/{}.py", "unit/test_regions ui/test_direct_keys ui/test_handlers ui/test_internals")
        + _each("tests/ui/test_{}.py", "lean leanstrip lru sheet sizes"),
    ),
    Room(
        "timeline",
        ("cqltui/ui/lanelines.py", "cqltui/ui/panels/timeline.py"),
        ("tests/unit/test_lanes.py", *_each("tests/ui/test_{}.py", "bindings parts timeline")),
    ),
    Room(
        "panels",
        (
            *_each("cqltui/ui/panels/{}.py", "body curves events hardware keys log tabs"),
            *_each("cqltui/ui/{}.py", "active bindings reading"),
        ),
        _each("tests/ui/test_{}.py", "bindings body curves_panel events_panel help keys_looking log_keys parts"),
    ),
    Room(
        "acting",
        ("cqltui/ui/screens/tasks.py", *_each("cqltui/ui/{}.py", "control history outward")),
        _each("tests/ui/test_{}.py", "bindings history keys keys_changing outward screens_asking starting"),
    ),
    Room(
        "replaying",
        ("cqltui/state/replay.py", "cqltui/ui/replaying.py", "cqltui/ui/panels/replayline.py"),
        ("tests/ui/test_replay_keys.py", "tests/unit/test_replay.py"),
    ),
    Room(
        "lua",
        ("cqltui/broker/protocol/lua/*.lua",),
        tuple(
            f"tests/contract/test_{name}*.py"
            for name in (
                "census",
                "checkup",
                "claims",
                "details",
                "feed",
                "lossy_feed",
                "lost_keys",
                "presence",
                "quotas",
                "rebuild",
                "reports",
                "shares",
                "sharing",
                "states",
                "stop_ends",
                "summaries",
                "typed_by_hand",
                "undo",
                "versions",
            )
        ),
    ),
    Room("trainer", (), ("tests/trainer/test_network.py", "tests/trainer/test_train.py")),
    Room("keeping", ("cqltui/algorithms/keeping.py",), ("tests/unit/test_keeping.py",)),
    Room("policy", ("cqltui/policy.py",), ("tests/unit/test_policy.py",)),
    Room("keeper", ("cqltui/worker/keeper.py",), ("tests/unit/test_keeper.py",)),
    Room(
        "worker",
        (),
        (
            *(f"tests/unit/test_{name}.py" for name in ("attempt*", "failure", "keeper", "tally")),
            "tests/security/test_a_task_is_what_it_says.py",
        ),
    ),
    Room(
        "supervisor",
        (),
        (
            *(
                f"tests/unit/test_{name}.py"
                for name in ("awake", "filing", "fleet", "guard", "journal", "notifying", "records", "restarting")
            ),
            "tests/unit/test_supervising.py",
            *(f"tests/contract/test_{name}.py" for name in ("sizing", "versions")),
            "tests/security/test_figures_from_outside.py",
            "tests/security/test_results_are_checked.py",
            "tests/security/test_a_task_is_what_it_says.py",
            "tests/security/test_kept_models_are_checked.py",
        ),
    ),
    Room(
        "notices",
        tuple(f"cqltui/supervisor/{name}.py" for name in ("awake", "courier", "notifying", "program", "webhook")),
        tuple(f"tests/unit/test_{name}.py" for name in ("awake", "couriers", "notifying")),
    ),
    Room(
        "placement",
        (
            *(f"cqltui/placement/{name}words.py" for name in ("batch", "kube", "ray", "sky", "slurm", "ssh")),
            *(f"cqltui/placement/{name}.py" for name in ("roster", "ssh", "templates", "there")),
            "cqltui/campaign/blocks.py",
        ),
        tuple(
            f"tests/unit/test_{name}.py"
            for name in ("load_blocks", "outpost", "presets", "roster", "slurm_words", "ssh", "templates")
        ),
    ),
    Room(
        "ways",
        (
            *_each("cqltui/placement/{}.py", "dial starting tunnel wayback"),
            *_each("cqltui/broker/server/{}.py", "acl guests"),
        ),
        (
            "tests/unit/test_ssh.py",
            "tests/unit/test_tunnel.py",
            "tests/contract/test_security.py",
            *_each("tests/security/test_{}.py", "guests sizes_are_bounded"),
        ),
    ),
    Room(
        "sharing",
        (
            "cqltui/app/quotas.py",
            "cqltui/app/serveruser.py",
            "cqltui/app/sharing.py",
            "cqltui/broker/protocol/census.py",
            "cqltui/broker/protocol/quotas.py",
            "cqltui/broker/protocol/shares.py",
            "cqltui/supervisor/allowed.py",
        ),
        (
            "tests/unit/test_shared_turns.py",
            "tests/contract/test_census.py",
            "tests/contract/test_quotas.py",
            "tests/contract/test_quotas_of_users.py",
            "tests/contract/test_sharing.py",
        ),
    ),
    Room(
        "pages",
        (*_each("cqltui/broker/protocol/{}.py", "summary pages"), "cqltui/broker/feed/paging.py"),
        (*_each("tests/contract/test_{}.py", "summaries pages*"),),
    ),
    Room("fleet", ("cqltui/ui/fleetlines.py", "cqltui/ui/screens/fleet.py"), ("tests/ui/test_fleet.py",)),
    Room("gate", ("cqltui/app/gate.py",), ("tests/unit/test_gate.py",)),
    Room(
        "shared",
        _each("cqltui/{}.py", "backoff forgone garbage logfile pipes"),
        (
            *(
                f"tests/unit/test_{name}.py"
                for name in ("forgone", "garbage", "guard", "lastwords", "logfile", "pipes", "supervising")
            ),
            "tests/security/test_sizes_are_bounded.py",
        ),
    ),
    Room(
        "commands", (), tuple(f"tests/unit/test_{name}.py" for name in ("asking", "cli", "command_help", "exit_codes"))
    ),
)
