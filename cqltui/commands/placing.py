"""Where the workers of a campaign train: one choice, made before they start and kept in campaign.json."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cqltui.campaign.model import Campaign
from cqltui.campaign.placing import Choice, choose
from cqltui.commands import devices
from cqltui.commands.selftest import SelfTests
from trainer.config import Precision


@dataclass(frozen=True, slots=True)
class Placing:
    """The choice, as campaign.json has it under "placing"."""

    wanted: str
    """What file and options said."""
    places: tuple[str, ...]
    """The device of each worker."""
    precision: Precision
    """What "auto" means there."""
    reason: str = ""
    """Why "auto" came to it."""


def settle(
    campaign: Campaign,
    known: Mapping[str, Any] | None,
    tell: Callable[[str], None] = lambda text: None,
    *,
    test: bool,
) -> Placing:
    """Where the campaign's workers train. `known`: campaign.json of the run that goes on, if there is one.

    `test`: test devices that have no verdict yet; else "auto" leaves them alone. Raises CqltuiError.
    """
    wanted, count = campaign.workers.device, campaign.workers.count
    before = _chosen_before(known) if wanted == "auto" else None
    chosen, precision = _devices(campaign, before, tell, test=test), before and before[1]
    places = devices.slots(chosen.devices, count)
    return Placing(wanted, places, precision or devices.auto_precision(places), chosen.reason)


def _devices(
    campaign: Campaign, before: tuple[str, Precision] | None, tell: Callable[[str], None], *, test: bool
) -> Choice:
    wanted = campaign.workers.device if before is None else before[0]
    if wanted == "cpu":
        return Choice(("cpu",), "" if before is None else "auto is the CPU, as this run has begun")
    torch, found = devices.probe()
    if wanted != "auto":
        if before is not None and not any(device.kind == wanted for device in found):
            return Choice(
                ("cpu",), f"auto was {wanted} when this run began, which is not here now: it goes on on the CPU"
            )
        return Choice(
            devices.of_kind(wanted, found), "" if before is None else f"auto is {wanted}, as this run has begun"
        )
    others = [device for device in found if device.kind != "cpu"]
    if not others:
        return Choice(("cpu",))
    tests = SelfTests(torch, tell)
    verdicts = [tests.verdict(device) if test else tests.known(device) for device in others]
    if untested := [device.name for device, verdict in zip(others, verdicts, strict=True) if verdict is None]:
        names = ", ".join(untested)
        return Choice(
            ("cpu",), f"auto is the CPU until {names} has passed a self test: a run or `cqltui doctor` does it"
        )
    known = [verdict for verdict in verdicts if verdict is not None]
    return choose(campaign, known, campaign.workers.count or devices.default_workers().amount)


def _chosen_before(known: Mapping[str, Any] | None) -> tuple[str, Precision] | None:
    """(kind of device, precision) that "auto" came to when the run began."""
    said = (known or {}).get("placing")
    if not isinstance(said, Mapping) or said.get("wanted") != "auto":
        return None
    places, precision = said.get("places"), said.get("precision")
    if not isinstance(places, list) or not places or precision not in ("fp32", "bf16"):
        return None
    kind = str(places[0]).partition(":")[0]
    return (kind, precision) if kind in devices.KINDS else None
