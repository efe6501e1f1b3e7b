"""The data of a campaign, read once by whoever plans or supervises it: its digest makes the tasks' ids."""

from cqltui.campaign.model import Campaign
from cqltui.campaign.payload import DataSummary
from cqltui.campaign.plan import check_batches
from cqltui.errors import InputError
from cqltui.state.plain import is_utf8, word
from trainer import data
from trainer.data.types import DataError


def load_data(campaign: Campaign) -> tuple[Campaign, DataSummary]:
    """Return the campaign with its tasks' ids, and what there is to know of its data. Raises InputError."""
    if campaign.data.path is not None and not is_utf8(path := str(campaign.data.path.resolve())):
        raise InputError(f"{word(path)}: its name is not UTF-8, as workers are told it: rename or copy it")
    try:
        dataset = data.load(campaign.data)
    except DataError as error:
        raise InputError(str(error)) from error
    digest = dataset.digest()
    identified = campaign.identified(digest)
    check_batches(campaign, len(dataset.train))
    summary = DataSummary(
        digest,
        len(dataset.train),
        len(dataset.validation),
        dataset.notes,
        dataset.warnings,
        test_rows=len(dataset.test),
    )
    return identified, summary
