"""The engines that a block of `kind = "command"` knows by name. Pure."""

from collections.abc import Mapping

from cqltui.campaign.model import CommandConfig
from cqltui.placement.batchwords import LSF, PBS
from cqltui.placement.kubewords import KUBECTL
from cqltui.placement.raywords import RAY
from cqltui.placement.skywords import SKY
from cqltui.placement.templates import Dialect, dialect

PRESETS: Mapping[str, Dialect] = {"pbs": PBS, "lsf": LSF, "ray": RAY, "kubectl": KUBECTL, "skypilot": SKY}


def dialect_of(command: CommandConfig) -> Dialect:
    """Return how the engine is spoken to."""
    if command.preset is not None:
        return PRESETS[command.preset]
    return dialect(command.start, command.list, command.stop)
