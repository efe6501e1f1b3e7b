"""Which server a command on a run means."""

from pathlib import Path

from cqltui.broker.access import Server
from cqltui.commands import options
from cqltui.errors import InputError
from cqltui.results.rundir import RunDir, read_json


def open_run(run_dir: Path | None, url: str | None, *, start: bool = False) -> tuple[Server, RunDir | None]:
    """The server of an existing run, for commands on it, and its directory if it is known here."""
    url = options.redis_url(url)
    if url is not None and run_dir is None:
        return Server(None, url), None
    found = options.existing_run(run_dir)
    said = (read_json(found.campaign_json) or {}).get("campaign", {}).get("redis", {})
    if said.get("url") and url is None:
        raise InputError(f"{found.path}: this run is on your own server: give --redis-url, or set REDIS_URL")
    use_url = url if said.get("url") else None
    return Server(found.path, use_url, str(said.get("namespace", "")), start=start), found
