"""The [store] table: how files get to workers that do not see the run directory."""

from cqltui.campaign.key import Key, Table
from cqltui.campaign.model import StoreConfig
from cqltui.fields import boolean, matching

_DEFAULTS = StoreConfig()
_url = matching(
    r"(?:s3|gs|abfs)://[A-Za-z0-9][A-Za-z0-9._-]{0,254}(?:/[A-Za-z0-9._-]{1,200}){0,20}/?",
    "s3://BUCKET/FOLDER, gs://... or abfs://..., without user and password, which the environment has",
)

STORE: Table = {
    "url": Key(
        _url,
        "Where checkpoints and models of more than 8 MB lie on their way from and to workers that do not see the run "
        "directory, with the extra `s3`; smaller ones go through the server.",
    ),
    "send_data": Key(
        boolean,
        "Send the data's file to workers elsewhere that lack it; else each needs `--data-root`.",
        _DEFAULTS.send_data,
    ),
}
