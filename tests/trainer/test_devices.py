"""The choice of a device, and the probe as a process that has no torch would use it."""

import pytest

from trainer.devices import choose


@pytest.mark.parametrize(
    ("wanted", "available", "chosen"),
    [
        ("cpu", ["cuda:0", "cpu"], "cpu"),
        ("cuda", ["cuda:0", "cuda:1", "cpu"], "cuda:0"),
        ("cuda:1", ["cuda:0", "cuda:1", "cpu"], "cuda:1"),
    ],
)
def test_choice(wanted: str, available: list[str], chosen: str) -> None:
    assert choose(wanted, available) == chosen


@pytest.mark.parametrize("wanted", ["cuda", "cuda:3", "tpu", "c", "auto"])
def test_a_device_that_is_not_there_is_an_error_that_says_what_is(wanted: str) -> None:
    with pytest.raises(ValueError, match=f"'{wanted}' is not available here: choose auto or one of mps, cpu"):
        choose(wanted, ["mps", "cpu"])
