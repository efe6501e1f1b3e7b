"""Small, harmful changes of a Lua script, made on its text. What each does is said by the line that it changes."""

import re
from collections.abc import Iterator

from msgspec import Struct

SWAPS = (
    (r"==", "~="), (r"~=", "=="), (r"<=", "<"), (r">=", ">"), (r"<(?!=)", "<="), (r"(?<![<>~=])>(?!=)", ">="),
    (r"\band\b", "or"), (r"\bor\b", "and"), (r"\bnot ", ""), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " / "), (r" / ", " * "),
    (r"math\.max", "math.min"), (r"math\.min", "math.max"), (r"'zadd'", "'zrem'"),
)  # fmt: skip
"""Pattern in the code, and what is put in its place."""
STATEMENT = re.compile(
    r"^ *(?!local|return|for|if|elseif|while|function)[\w.]+(\(|\[[^]]*\] = |(, [\w.]+)* = ).*$", re.M
)
FUNCTION = re.compile(r"^(?:local )?function ([\w.]+).*?^end$", re.M | re.S)
KEY = re.compile(r"'([a-z_]+)'")
ENTRY = re.compile(r"(?<=[{ ])\w+ = ('[^']*'|[\w.]+)(, |(?=}))")


class Edit(Struct, frozen=True):
    """One change of a text: what stands from `start` to `end` becomes `after`. `symbol`: the function, "" outside."""

    symbol: str
    start: int
    end: int
    after: str


def edits(text: str) -> list[Edit]:
    """Every change that can be made, in the order of the code."""
    functions = [(match.start(), match.end(), match[1]) for match in FUNCTION.finditer(text)]

    def symbol(place: int) -> str:
        return next((name for start, end, name in functions if start <= place < end), "")

    found = {(start, end, after) for start, end, after in _changes(text) if text[start:end] != after}
    return [Edit(symbol(start), start, end, after) for start, end, after in sorted(found)]


def _changes(text: str) -> Iterator[tuple[int, int, str]]:
    code = re.sub(r"--.*", _blank, text)
    bare = re.sub(r"'[^']*'", _blank, code)
    for pattern, after in SWAPS:
        for match in re.finditer(pattern, code if "'" in pattern else bare):
            yield match.start(), match.end(), after
    for match in re.finditer(r"(return )?(?<![\w.])(\d+)(?!\w)", bare):
        number = int(match[2])
        yield match.start(2), match.end(2), str(1 - number) if match[1] and number in {0, 1} else str(number + 1)
    for match in re.finditer(r"(?<=return )(?!\d+$|nil)[^\n]+", bare):
        yield match.start(), match.end(), "nil"
    for match in STATEMENT.finditer(code):
        line = match[0]
        if all(
            bare[match.start() : match.end()].count(a) == bare[match.start() : match.end()].count(b)
            for a, b in ("()", "{}")
        ):
            yield match.start() + len(line) - len(line.lstrip()), match.end(), "do end"
    for match in KEY.finditer(code):
        before = code[max(0, match.start() - 40) : match.start()]
        if not before.endswith("call("):
            yield match.start(1), match.end(1), f"x{match[1]}"
    for match in ENTRY.finditer(code):
        if bare.count("{", 0, match.start()) > bare.count("}", 0, match.start()):
            yield match.start(), match.end(), ""


def _blank(match: re.Match[str]) -> str:
    """As long, and without what could be taken for code."""
    return match[0][0] + " " * (len(match[0]) - 2) + match[0][-1] if match[0].startswith("'") else " " * len(match[0])
