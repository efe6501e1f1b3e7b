"""What was used last is kept."""

from cqltui.ui.lru import Lru


def test_what_was_used_longest_ago_goes_first() -> None:
    kept: Lru[str, int] = Lru(2)
    kept["a"], kept["b"] = 1, 2
    assert kept.used("a") == 1
    kept["c"] = 3
    assert list(kept) == ["a", "c"]
    kept["a"] = 4  # the newest again
    kept["d"] = 5
    assert dict(kept) == {"a": 4, "d": 5}
    assert kept.used("b") is None


def test_it_grows_once_it_was_full() -> None:
    kept: Lru[int, int] = Lru(2)
    kept |= {number: number for number in range(3)}
    kept.grow(4)
    kept.grow(3)  # no less than that
    for number in range(3, 5):
        kept[number] = number
    assert list(kept) == [1, 2, 3, 4]
    kept[5] = 5
    assert list(kept) == [2, 3, 4, 5]
