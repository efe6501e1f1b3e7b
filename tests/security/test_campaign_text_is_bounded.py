"""The text of a campaign file costs what its size lets one expect, whoever wrote it."""

import time
import tracemalloc
from pathlib import Path

import pytest

from cqltui.campaign.document import KEY_PARTS, parse_toml
from cqltui.campaign.lines import line_of
from cqltui.campaign.load import LARGEST_BYTES, load_campaign
from cqltui.errors import InputError

HEAD = '[campaign]\nname = "x"\n'
LONG = 300_000
DOTTED = "a." * 200 + "a"


@pytest.mark.parametrize(
    "text",
    [
        *(f"title = {quotes}{'x' * LONG}{quotes}" for quotes in ('"', "'", '"""', "'''")),
        'title = """' + '"x' * (LONG // 2) + '"""',
        'title = "' + "\\n" * (LONG // 2) + '"',
        '"' + "k" * LONG + '" = 1',
    ],
    ids=["basic", "literal", "lines", "literal-lines", "quotes", "escapes", "key"],
)
def test_a_line_is_found_without_much_memory(text: str) -> None:
    content = f"{HEAD}{text}\nbad = 1\n".encode()
    document = parse_toml(content, Path("x.toml"))
    tracemalloc.start()
    try:
        assert line_of(content, lambda: document)("campaign.bad") == 4
        assert tracemalloc.get_traced_memory()[1] < 20 * LONG
    finally:
        tracemalloc.stop()


def test_the_keys_of_a_whole_file_are_read_in_seconds(tmp_path: Path) -> None:
    line = "a." * (KEY_PARTS - 2) + "k{}.a = 1\n"
    text = HEAD + "".join(line.format(f"{n:06}") for n in range((LARGEST_BYTES - 100) // len(line.format("000000"))))
    (path := tmp_path / "x.toml").write_text(text)
    began = time.process_time()
    with pytest.raises(InputError, match="unknown key"):
        load_campaign(path)
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(
    "text", [f"# {DOTTED}", f'title = "{DOTTED}"', f"title = '''\n{DOTTED}'''", f'title = """{DOTTED}"""']
)
def test_what_is_no_key_may_have_dots(text: str) -> None:
    found = parse_toml(f"{HEAD}{text}\n".encode(), Path("x.toml"))["campaign"]
    assert found.get("title", DOTTED) == DOTTED
    line = f"{HEAD}{text}\n".count("\n") + 1
    with pytest.raises(InputError, match=f"line {line}: a key of more than {KEY_PARTS} parts"):
        parse_toml(f"{HEAD}{text}\n{DOTTED} = 1".encode(), Path("x.toml"))


def test_dots_in_comments_cost_no_more_than_others() -> None:
    content = (HEAD + ("#" + "a." * (KEY_PARTS - 1) + "\n") * (LARGEST_BYTES // (2 * KEY_PARTS))).encode()
    long = (HEAD + ("#" + "a." * 99 + "\n") * (LARGEST_BYTES // 200)).encode()
    for text in (content, long):
        began = time.process_time()
        parse_toml(text, Path("x.toml"))
        assert time.process_time() - began < 1.0


def test_a_file_beyond_it_is_named(tmp_path: Path) -> None:
    (path := tmp_path / "x.toml").write_bytes(b"#" * (LARGEST_BYTES + 1))
    with pytest.raises(
        InputError, match=r"it has 1,048,577 bytes; expected at most 1,048,576; make its tasks by \[phase"
    ):
        load_campaign(path)


@pytest.mark.parametrize(
    "text",
    [
        '"""a\\\\"""',
        '"""a\\\\\\""""',
        '"""\\"""\n[b]\n"""',
        '""""a"""""',
        "''''a''''",
        "'''\\'''",
        '"""""" # "',
        "''''''",
    ],
)
def test_where_a_string_ends(text: str) -> None:
    content = f"[campaign]\ntitle = {text}\nname = 1\n".encode()
    expected = content.count(b"\n")
    assert line_of(content, lambda: parse_toml(content, Path("x.toml")))("campaign.name") == expected
