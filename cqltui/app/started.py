"""What a run was last started with, as its directory has it: where its data is, and its campaign."""

from collections.abc import Mapping

from msgspec.structs import replace

from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import read_data
from cqltui.campaign.recorded import read_recorded
from cqltui.errors import InputError
from cqltui.results.known import id_length
from cqltui.results.rundir import RunDir, read_json
from cqltui.supervisor import manifest
from trainer.config import DataConfig


def data_config(run_dir: RunDir) -> tuple[DataConfig, str]:
    """Return where the run's data is, and its digest, as campaign.json has them. Raises InputError."""
    said = read_json(run_dir.campaign_json)
    known = manifest.known(run_dir).get("data")
    if said is None or not isinstance(known, Mapping):
        raise InputError(f"{run_dir.path}: there is no run here, or its campaign.json cannot be read")
    try:
        config = read_data({"data": dict(known) | {"path": said.get("data_path")}})
        return config, str(said["data"]["digest"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{run_dir.campaign_json}: its data cannot be read ({error})") from error


def recorded_campaign(run_dir: RunDir) -> Campaign:
    """Return the campaign that the run was last started with; where it trains is not told. Raises InputError."""
    config, digest = data_config(run_dir)
    campaign = read_recorded(manifest.known(run_dir), config, run_dir.campaign_json)
    return replace(campaign, id_length=id_length(run_dir)).identified(digest)
