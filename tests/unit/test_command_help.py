"""What `--help` says of the commands on a run's tasks."""

from itertools import combinations

import pytest

from cqltui.cli import main
from cqltui.state.model import TaskCommand


def told(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the help says between the usage and the arguments."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert not ended.value.code
    return " ".join(capsys.readouterr().out.split("\n\n")[1].split())


def test_each_command_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    texts = {command: told(command, capsys) for command in TaskCommand}
    begin = {command: text.split()[0] for command, text in texts.items()}
    assert begin == {"pause": "Pause", "resume": "Queue", "cancel": "Cancel", "resubmit": "Queue", "priority": "Change"}
    assert all(a != b for a, b in combinations(texts.values(), 2))
    whole = {command for command, text in texts.items() if "campaign" in text}
    assert whole == {TaskCommand.PAUSE, TaskCommand.RESUME}, "which a command without an ID is about"
