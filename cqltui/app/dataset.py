"""The data of a campaign, read once by whoever plans or supervises it: its digest makes the tasks' ids."""

from functools import lru_cache

from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.campaign.plan import check_batches
from cqltui.errors import InputError
from cqltui.state.plain import is_utf8, word
from trainer import data
from trainer.config import DataConfig
from trainer.data.types import DataError


def load_data(campaign: Campaign) -> tuple[Campaign, DataSummary]:
    """Return the campaign with its tasks' ids, and what there is to know of its data. Raises InputError."""
    if campaign.data.path is not None and not is_utf8(path := str(campaign.data.path.resolve())):
        raise InputError(f"{word(path)}: its name is not UTF-8, as workers are told it: rename or copy it")
    summary = _simulated(campaign.data) if campaign.data.source == "simulated" else _summary(campaign.data)
    identified = campaign.identified(summary.digest)
    check_batches(campaign, summary.rows)
    return identified, summary


@lru_cache(maxsize=4)
def _simulated(config: DataConfig) -> DataSummary:
    """Of data that its settings determine, and that a start looks at more than once."""
    return _summary(config)


def _summary(config: DataConfig) -> DataSummary:
    try:
        dataset = data.load(config)
    except DataError as error:
        raise InputError(str(error)) from error
    return DataSummary(
        dataset.digest(),
        len(dataset.train),
        len(dataset.validation),
        dataset.notes,
        dataset.warnings,
        test_rows=len(dataset.test),
    )
