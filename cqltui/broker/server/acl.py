"""The rights that a user of the server needs, as the server's own ACL rules: the protocol's commands, keys and channel.

What a script does is checked against the rights of its caller, so the commands of the scripts are among them. They are
read from the scripts, so that the rules cannot fall behind.

These rules keep a user to one campaign's keys, and no further: a worker may run any Lua and write any of these keys, so
it has full control of its campaign (stop it, change its tasks, hold up or fill the server). Server-side functions would
not be narrower: what a function does is checked against the rights of its caller as well, so that a worker that may
only FCALL would still need every command of the scripts on every key, and could send them itself.
"""

import re
from importlib import resources

from msgspec import Struct

from cqltui.broker.protocol.keys import LIMITS, PLACES, Keys
from cqltui.broker.protocol.scripts import source

_CALL = re.compile(r"call\('(\w+)'")


class Role(Struct, frozen=True):
    """Who has a user of its own."""

    user: str
    scripts: tuple[str, ...]
    calls: frozenset[str]
    """What its processes send beside scripts."""

    def commands(self) -> set[str]:
        """Return every command that it needs, as ACL rules name them."""
        called = {command for name in self.scripts for command in _CALL.findall(source(name))}
        return called | self.calls

    def rules(self, keys: Keys, password: str = "PASSWORD", database: int = 0, counted: str = "") -> str:
        """Return one line for `redis-cli`, or with `user` in place of `ACL SETUSER` for an ACL file.

        Keys are named without their database, so that no other may be chosen: a connection begins in 0. `counted`:
        under which name quotas count its workers, which takes Redis 7; they count none of a user without.
        """
        patterns = [keys.queue, keys.active_workers, f"{keys.prefix}cq:*"]
        if "rename" in self.commands():  # what was overwritten by hand is kept under such names
            patterns += [f"{keys.queue}.*", f"{keys.active_workers}.*"]
        quota = (f"%R~{LIMITS}", f"~{PLACES}{counted}") if counted else ()
        chosen = (f"+select|{database}",) if database else ()
        return " ".join(
            (
                f"ACL SETUSER {self.user} reset on >{password}",
                *(f"~{pattern}" for pattern in patterns),
                *quota,
                f"&{keys.events}",
                *(f"+{command}" for command in sorted(self.commands())),
                *chosen,
            )
        )


def _all_scripts() -> tuple[str, ...]:
    names = (path.name.removesuffix(".lua") for path in (resources.files("cqltui.broker.protocol") / "lua").iterdir())
    return tuple(sorted(set(names) - {"common", "forms", "untouched", "align", "quotas", "many"}))


_EVERYBODY = frozenset({"ping", "evalsha", "script|load", "hget", "hmget", "smembers"})
WORKER = Role(
    "cqltui-worker",
    (
        "register",
        "unregister",
        "claim",
        "realign",
        "report",
        "checkpoint",
        "complete",
        "fail",
        "release",
        "notice",
        "about",
        "snapshot",
        "stow",
    ),
    # What a worker on another machine hands over, and fetches; and a look at very many tasks.
    _EVERYBODY | {"hset", "expire", "multi", "exec", "hstrlen", "hscan"},
)
"""`cqltui worker`, on whatever machine."""
SHARED = Role("cqltui-shared", (*WORKER.scripts, "share"), WORKER.calls | {"scan"})
"""`cqltui worker --shared`, with the keys of every campaign: `Keys.of_all`."""
OWNER = Role(
    "cqltui",
    _all_scripts(),
    WORKER.calls
    | {"subscribe", "unsubscribe", "lrange", "xrange"}  # events
    | {"zrange", "zcard", "hgetall", "hscan", "hstrlen", "del", "time", "scan", "unlink", "srandmember"}
    | {"info", "type", "exists", "zcount"}  # a warning at the start, `cqltui doctor`
    | {"script|kill"},  # typed by hand, against a worker's script that does not end
)
"""Whoever runs campaigns: supervisor, screen, the commands on a run, and the documented words of redis-cli. Its
supervisor's workers use its user too."""
