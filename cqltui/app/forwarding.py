"""What a run was asked for on the command line, as its supervisor in the background is told."""

import argparse


def forwarded(arguments: argparse.Namespace, namespace: str = "") -> list[str]:
    """Return the options of a run as the supervisor takes them; a server's URL travels in the environment."""
    given = [str(arguments.campaign.absolute())]
    for setting in arguments.settings:
        if setting.partition("=")[0].strip().partition(".")[0] != "redis":
            given += ["--set", setting]
    if namespace:
        given += ["--set", f'redis.namespace="{namespace}"']
    for name in ("workers", "device", "run_dir"):
        if (value := getattr(arguments, name)) is not None:
            given += [f"--{name.replace('_', '-')}", str(value)]
    if arguments.no_report:
        given.append("--no-report")
    return given
