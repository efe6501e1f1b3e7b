"""The reference and the JSON Schema of the campaign file: in line with the tables, and true of real files."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from cqltui.campaign.reference import json_schema, markdown
from cqltui.commands.init import TEMPLATES

ROOT = Path(__file__).parents[2]
SHIPPED = sorted({*ROOT.glob("campaigns/*.toml"), *(ROOT / f"cqltui/templates/{name}.toml" for name in TEMPLATES)})


def mistakes(document: dict[str, Any]) -> list[str]:
    """Where the schema finds fault."""
    return [".".join(map(str, error.absolute_path)) for error in Draft7Validator(json_schema()).iter_errors(document)]


def test_the_pages_in_docs_are_those_of_the_tables() -> None:
    assert (ROOT / "docs/campaign-file.md").read_text(encoding="utf-8") == markdown(), "run: make docs"
    shipped = json.loads((ROOT / "docs/campaign.schema.json").read_text(encoding="utf-8"))
    assert shipped == json.loads(json.dumps(json_schema())), "run: make docs"


def test_the_schema_is_one() -> None:
    Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_campaigns_fit_it(path: Path) -> None:
    assert mistakes(tomllib.loads(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", sorted((ROOT / "campaigns").glob("*.toml")), ids=lambda path: path.name)
def test_shipped_campaigns_name_it_for_editors(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert (path.parent / first.removeprefix("#:schema ")).resolve() == ROOT / "docs/campaign.schema.json"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"trainer": {"lr": 0}}, "trainer.lr"),
        ({"trainer": {"learning_rate": 1}}, "trainer"),
        ({"trainer": {"hidden_dims": [64, 0]}}, "trainer.hidden_dims.1"),
        ({"data": {"split": {"seasons": 2, "fraction": 0.1}}}, "data.split"),
        ({"workers": {"count": "many"}}, "workers.count"),
        ({"redis": {"namespace": "cq"}}, "redis.namespace"),
        ({"phase": [{"name": "a", "grid": {"alpha": 0.3}}]}, "phase.0.grid.alpha"),
        ({"phase": [{"name": "a", "criterion": [{"text": "t", "check": "smoth"}]}]}, "phase.0.criterion.0"),
        ({"phase": [{"name": "a", "priority": -1}]}, "phase.0.priority"),
        ({"phase": []}, "phase"),
    ],
)
def test_wrong_values_do_not_fit_it(wrong: dict[str, Any], place: str) -> None:
    assert mistakes({"campaign": {"name": "x"}, "phase": [{"name": "a"}]} | wrong) == [place]


def test_every_key_is_explained() -> None:
    rows = [line for line in markdown().splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert all(len(row.split(" | ")) >= 3 and row.rstrip(" |").split(" | ")[-1] for row in rows)
