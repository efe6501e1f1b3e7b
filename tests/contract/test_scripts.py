"""Scripts are put together of a common part and their own."""

import re
from importlib import resources

import pytest

from cqltui.broker.protocol.scripts import source
from cqltui.broker.server.acl import OWNER


def defined(text: str) -> list[str]:
    """Functions, in the order of the text."""
    return re.findall(r"(?m)^local function (\w+)", text)


@pytest.mark.parametrize("name", OWNER.scripts)
def test_a_script_has_the_functions_that_it_calls_and_no_more(name: str) -> None:
    code = re.sub(r"--.*", "", source(name))
    for function in defined(source("reconcile")):  # it needs nearly all
        places = [place.start() for place in re.finditer(rf"\b{function}\b", code)]
        assert (len(places) > 1) == (function in defined(code)), f"{function} is defined, or used, in vain"
        assert not places or code[: places[0]].endswith("local function "), f"{function} is used before it is defined"


def test_the_names_that_all_scripts_use_come_first() -> None:
    folder = resources.files("cqltui.broker.protocol") / "lua"
    common = "".join((folder / f"{name}.lua").read_text(encoding="utf-8") for name in ("forms", "untouched", "common"))
    lines = re.findall(r"(?m)^local [A-Z].*$", common)
    assert len(lines) > 5
    for name in OWNER.scripts:
        own = (folder / f"{name}.lua").read_text(encoding="utf-8")
        places = [source(name).find(f"{line}\n") for line in lines]
        assert -1 not in places
        assert [*places, source(name).index(own)] == sorted([*places, source(name).index(own)]), name
