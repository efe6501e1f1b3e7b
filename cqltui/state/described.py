"""What the campaign says of itself and of its phases, with what has come of their criteria and questions. Frozen."""

from msgspec import Struct, field

from cqltui.state.notify import NotifyInfo


class Verdict(Struct, frozen=True):
    """What became of one success criterion; `passed` is None while it cannot be told."""

    text: str
    passed: bool | None = None
    detail: str = ""
    """The measured figures in one line."""
    check: str = ""
    """The criterion's check, by name."""


class AnswerInfo(Struct, frozen=True):
    """A question that figures answer."""

    question: str
    lines: tuple[str, ...] = ()
    """The figures so far, or why there are none."""


class PhaseInfo(Struct, frozen=True):
    """What is fixed about a phase, and its criteria and answers so far."""

    name: str
    title: str = ""
    priority: int = 0
    goal: str = ""
    questions: tuple[str, ...] = ()
    expected: str = ""
    verdicts: tuple[Verdict, ...] = ()
    answers: tuple[AnswerInfo, ...] = ()


class CampaignInfo(Struct, frozen=True):
    """What is fixed about the run."""

    name: str = ""
    title: str = ""
    description: str = ""
    run_dir: str = ""
    started_ts: float = 0.0
    """When the run directory was made."""
    workers: int = 0
    """Workers wanted."""
    phases: tuple[PhaseInfo, ...] = ()
    notify: NotifyInfo = field(default_factory=NotifyInfo)
    workers_limit: int = 0
    """As many as the run's machine can have; 0 if it has not told."""
