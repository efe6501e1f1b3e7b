"""The choice of a device, and the probe as a process that has no torch would use it."""

import json
import subprocess
import sys

import pytest
import torch

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


def test_probe_prints_json() -> None:
    done = subprocess.run([sys.executable, "-m", "trainer.devices"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["torch"] == torch.__version__
    assert found["devices"][-1]["name"] == "cpu"
    assert found["devices"][-1]["memory_bytes"] > 2**28
