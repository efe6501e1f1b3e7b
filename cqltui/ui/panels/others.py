"""The panels that are not needed for the first frame, which come a moment after it."""

from cqltui.ui.feeds import Feeds
from cqltui.ui.panels.curves import CurvesPanel
from cqltui.ui.panels.details import DetailsPanel
from cqltui.ui.panels.evaluation import EvaluationPanel
from cqltui.ui.panels.events import EventsPanel
from cqltui.ui.panels.hardware import HardwarePanel
from cqltui.ui.panels.log import LogPanel
from cqltui.ui.panels.panel import Panel
from cqltui.ui.panels.timeline import TimelinePanel


def other_panels(feeds: Feeds) -> tuple[Panel, ...]:
    """Return them."""
    return (
        CurvesPanel("curves", "Curves", feeds.curves),
        TimelinePanel("timeline", "Timeline", feeds.lanes),
        LogPanel("log", "Log", feeds.log),
        EvaluationPanel("evaluation", "Evaluation", feeds.evaluation),
        HardwarePanel("hardware", "Hardware"),
        EventsPanel("events", "Events", feeds.happened),
        DetailsPanel("details", "Details", feeds.record),
    )
