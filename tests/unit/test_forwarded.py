"""What of a command line the supervisor behind a screen is started with."""

import argparse
from pathlib import Path

from cqltui.app.forwarding import forwarded
from cqltui.commands import run


def test_the_supervisor_gets_all_but_a_url_which_may_hold_a_password() -> None:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    line = "a.toml --set trainer.lr=1 --set redis.url=redis://:hunter2@h/0 --redis-url redis://:hunter2@h/1 --workers 3"
    given = forwarded(parser.parse_args(line.split()))
    assert given == [str(Path("a.toml").absolute()), "--set", "trainer.lr=1", "--workers", "3"]
    assert forwarded(parser.parse_args(["a.toml", "--no-report"]))[1:] == ["--no-report"]
    whole = ["a.toml", "--set", 'redis = {url = "redis://:hunter2@h/0", namespace = "n"}']
    given = forwarded(parser.parse_args(whole), "n")
    assert given == [str(Path("a.toml").absolute()), "--set", 'redis.namespace="n"']
