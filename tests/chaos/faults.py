"""All faults."""

from collections.abc import Callable

from tests.chaos import damage, deaths, elsewhere, surroundings
from tests.chaos.world import World

Fault = Callable[[World], None]
FAULTS: tuple[Fault, ...] = (
    deaths.kill_worker,
    deaths.kill_supervisor,
    deaths.kill_server,
    deaths.kill_supervisor_and_server,
    deaths.kill_screen,
    deaths.kill_all,
    deaths.freeze_worker,
    deaths.freeze_supervisor,
    deaths.freeze_server,
    deaths.freeze_screen,
    deaths.sleep,
    deaths.cut_connections,
    damage.flush,
    damage.delete_key,
    damage.damage_aof,
    damage.lose_data,
    damage.damage_checkpoint,
    damage.plant_stale_files,
    damage.full_server,
    damage.full_disk,
    surroundings.jump_clock,
    surroundings.pull_cable,
    surroundings.refusing_server,
    surroundings.second_supervisor,
    surroundings.second_worker,
    surroundings.interrupt,
    surroundings.closed_stream,
    surroundings.signal_after_hang_up,
    surroundings.double_answers,
    surroundings.drain,
    surroundings.pause,
    surroundings.reorder,
    surroundings.nonsense,
    elsewhere.cut_link,
    elsewhere.kill_tunnel,
    elsewhere.stop_sshd,
    elsewhere.preempt,
    elsewhere.cancel_job,
    elsewhere.controller_away,
)


def name_of(fault: Fault) -> str:
    """As it is counted."""
    return fault.__name__.replace("_", " ")
