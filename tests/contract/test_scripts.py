"""Scripts are put together of a common part and their own."""

import re

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


def test_the_first_things_come_first() -> None:
    begin = source("reconcile").partition("local function ")[0]
    assert all(source(name).startswith(begin) for name in OWNER.scripts)
