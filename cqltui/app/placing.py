"""Where the workers of a campaign train: one choice, made before they start and kept in campaign.json."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from cqltui.app import devices
from cqltui.app.selftest import SelfTests
from cqltui.campaign.model import Campaign
from cqltui.campaign.placing import Choice, choose
from trainer.config import Precision


class Placing(Struct, frozen=True):
    """The choice, as campaign.json has it under "placing"."""

    wanted: str
    """What file and options said."""
    places: tuple[str, ...]
    """The device of each worker."""
    precision: Precision
    """What "auto" means there."""
    reason: str = ""
    """Why "auto" came to it."""


class _Before(NamedTuple):
    """What "auto" came to when the run began."""

    kind: str
    precision: Precision
    reason: str


def settle(
    campaign: Campaign,
    known: Mapping[str, Any] | None,
    tell: Callable[[str], None] = lambda text: None,
    *,
    test: bool,
) -> Placing:
    """Return where the campaign's workers train. `known`: campaign.json of the run that goes on, if there is one.

    `test`: test devices that have no verdict yet; else "auto" leaves them alone. Raises CqltuiError.
    """
    wanted, count = campaign.workers.device, campaign.workers.count
    before = _chosen_before(known) if wanted == "auto" else None
    if before is not None:
        chosen = _as_before(before)
    elif wanted == "auto":
        chosen = _choose(campaign, tell, test=test)
    else:
        chosen = Choice(("cpu",) if wanted == "cpu" else devices.of_kind(wanted, devices.probe()[1]))
    places = devices.slots(chosen.devices, count)
    if before is not None:
        return Placing(wanted, places, before.precision, chosen.reason)
    precision, why = _precision(campaign, places, known)
    return Placing(wanted, places, precision, "; ".join(filter(None, [chosen.reason, why])))


def _precision(campaign: Campaign, places: Sequence[str], known: Mapping[str, Any] | None) -> tuple[Precision, str]:
    """Return what "auto" means for the workers of all blocks together, and why where it is those elsewhere that decide:
    tasks go from one to the other."""
    if not campaign.blocks:
        return devices.auto_precision(places), ""
    said = (known or {}).get("placing")
    if isinstance(said, Mapping) and (began := said.get("precision")) in ("fp32", "bf16"):
        return began, ""  # a block that is added later changes no task
    if not any(task.auto_precision for task in campaign.tasks):
        return "fp32", ""
    names = ", ".join(block.name for block in campaign.blocks)
    why = f'what the machines of {names} can do is not known here; where all multiply bfloat16, say precision = "bf16"'
    return "fp32", f"precision auto is fp32 for all workers: {why}"


def _as_before(before: _Before) -> Choice:
    """Return the devices of the same kind, as far as there are any now."""
    if before.kind == "cpu":
        return Choice(("cpu",), before.reason)
    _, found = devices.probe()
    if not any(device.kind == before.kind for device in found):
        reason = f"auto was {before.kind} when this run began, which is not here now: it goes on on the CPU"
        return Choice(("cpu",), reason)
    return Choice(devices.of_kind(before.kind, found), before.reason)


def _choose(campaign: Campaign, tell: Callable[[str], None], *, test: bool) -> Choice:
    """By the self tests of all devices."""
    torch, found = devices.probe()
    others = [device for device in found if device.kind != "cpu"]
    if not others:
        return Choice(("cpu",))
    tests = SelfTests(torch, tell)
    verdicts = {device.name: tests.verdict(device) if test else tests.known(device) for device in others}
    if untested := [name for name, verdict in verdicts.items() if verdict is None]:
        does = "a run or `cqltui doctor` does it"
        return Choice(("cpu",), f"auto is the CPU until {', '.join(untested)} has passed a self test: {does}")
    known = [verdict for verdict in verdicts.values() if verdict is not None]
    return choose(campaign, known, campaign.workers.count or devices.default_workers().amount)


def _chosen_before(known: Mapping[str, Any] | None) -> _Before | None:
    said = (known or {}).get("placing")
    if not isinstance(said, Mapping) or said.get("wanted") != "auto":
        return None
    places, precision = said.get("places"), said.get("precision")
    if not isinstance(places, list) or not places or precision not in ("fp32", "bf16"):
        return None
    kind = str(places[0]).partition(":")[0]
    return _Before(kind, precision, str(said.get("reason", ""))) if kind in devices.KINDS else None
