"""The [store] table: how files get to workers that do not see the run directory. Messages do not quote the URL, which
might hold a password."""

import re
from typing import Any

from cqltui.campaign.key import Key, Table
from cqltui.campaign.model import StoreConfig
from cqltui.fields import INVALID, Problems, Reader, boolean

_DEFAULTS = StoreConfig()
_EXPECTED = (
    "s3://BUCKET/FOLDER, or gs or abfs in place of s3; who may use it, the environment says (AWS_...), not the URL"
)
_PATTERN = r"(?:s3|gs|abfs)://[A-Za-z0-9][A-Za-z0-9._-]{0,254}(?:/[A-Za-z0-9._-]{1,200}){0,20}/?"


def _read_url(value: object, key: str, problems: Problems) -> Any:
    if isinstance(value, str) and re.fullmatch(_PATTERN, value):
        return value
    problems.add(key, f"expected {_EXPECTED}")
    return INVALID


STORE: Table = {
    "url": Key(
        Reader(_read_url, _EXPECTED, {"type": "string", "pattern": f"^{_PATTERN}$"}),
        "Where checkpoints and models of more than 8 MB lie on their way from and to workers that do not see the run "
        "directory, with the extra `s3`; smaller ones go through the server.",
    ),
    "send_data": Key(
        boolean,
        "Send the data's file to workers elsewhere that lack it; else each needs `--data-root`.",
        _DEFAULTS.send_data,
    ),
}
