"""Names in a message: the nearest one, or those that are known."""

from trainer.names import listed, nearest, suggestion


def test_the_nearest_name() -> None:
    assert nearest("Statsu", ["stop", "status"]) == "status"
    assert nearest("spread_line", ["total_line"]) is None, "a guess that is none misleads"
    assert nearest("deep", ["stop", "status"]) is None
    assert suggestion("EDGY", ["edge", "odds"]) == "; did you mean edge?"
    assert suggestion("zzz", ["p hat", "\x1b[2J"]) == r"; known: 'p hat', '\x1b[2J'"
    assert listed(f"c{n}" for n in range(22)).endswith("c19 and 2 more")
