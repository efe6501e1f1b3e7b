"""Which GPU each worker sees: through the mask that the user set, whatever it names."""

import subprocess
from collections.abc import Mapping, Sequence

import psutil
import pytest

from cqltui.app import devices
from cqltui.app.devices import MASK, SHOWN_DEVICE, WORKER_BYTES, Device
from cqltui.app.joining import auto_device
from cqltui.app.supervising import _launcher as launcher
from cqltui.errors import InputError
from cqltui.worker.main import Worker, WorkerOptions
from tests.unit.test_placing import CAMPAIGN, chosen_by
from trainer import allowance
from trainer.allowance import Allowed

GIB = 1024**3
CPU = Device("cpu", "AVX2", 8 * GIB)
GPU = Device("cuda:0", "H100", 80 * GIB)
UUIDS = ("GPU-8f9b1a2c-0000-1111-2222-333344445555", "GPU-77")
INSTANCES = ("MIG-1c2d", "MIG-GPU-5e6f/1/0")


@pytest.mark.parametrize(
    ("mask", "seen", "expected"),
    [
        (None, 2, ["0", "1"]),
        ("2,3", 2, ["2", "3"]),
        (" 2 , 3 ", 2, ["2", "3"]),
        ("3,1,0", 3, ["3", "1", "0"]),
        (",".join(UUIDS), 2, list(UUIDS)),
        ("MIG-1c2d", 1, ["MIG-1c2d"]),
        ("5,-1,6", 1, ["5"]),  # CUDA stops at what it does not know
        ("1,99", 1, ["1"]),
    ],
)
def test_each_worker_sees_the_gpu_that_its_number_means(mask: str | None, seen: int, expected: list[str]) -> None:
    environment = {} if mask is None else {MASK: mask}
    places = devices.slots([f"cuda:{number}" for number in range(seen)], 2 * seen)
    told = [devices.environment_of(place, environment) for place in places]
    assert [found[MASK] for found in told] == expected * 2, "as many again share them in the same order"
    assert [found[SHOWN_DEVICE] for found in told] == list(places), "they do not all call theirs cuda:0"


def test_a_worker_without_a_gpu_of_its_own_is_told_nothing() -> None:
    for place in ("cpu", "mps"):
        assert devices.environment_of(place, {MASK: "2,3"}) == {}


def fake_probe(monkeypatch: pytest.MonkeyPatch, seen: Mapping[str | None, Sequence[Device]]) -> None:
    """What a process sees under each mask; None: under that of its parent."""

    def ask(extra: Mapping[str, str]) -> tuple[str, tuple[Device, ...]]:
        return "2.13.0", (*seen.get(extra.get(MASK), ()), CPU)

    monkeypatch.setattr(devices, "_ask", ask)


def test_of_several_mig_instances_a_process_sees_one_so_each_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Device("cuda:0", "H100 MIG 1g", 10 * GIB), Device("cuda:0", "H100 MIG 2g", 20 * GIB)
    fake_probe(monkeypatch, {None: [first], INSTANCES[1]: [second]})
    mask = {MASK: ",".join((*INSTANCES, "MIG-nonsense", "MIG-more"))}
    _, found = devices.probe(mask)
    assert [(device.name, device.description) for device in found] == [
        ("cuda:0", "H100 MIG 1g"),
        ("cuda:1", "H100 MIG 2g"),
        ("cpu", "AVX2"),
    ]
    assert [devices.environment_of(place, mask)[MASK] for place in ("cuda:0", "cuda:1")] == list(INSTANCES)


@pytest.mark.parametrize("mask", ["", "-1", "NoDevFiles"])
def test_a_mask_that_hides_every_gpu_is_named(monkeypatch: pytest.MonkeyPatch, mask: str) -> None:
    fake_probe(monkeypatch, {})
    _, found = devices.probe({MASK: mask})
    assert [device.name for device in found] == ["cpu"]
    with pytest.raises(InputError, match=f"this machine has cpu .CUDA_VISIBLE_DEVICES is '{mask}', which hides"):
        devices.of_kind("cuda", found, {MASK: mask})
    with pytest.raises(InputError, match="this machine has cpu; use auto"):
        devices.of_kind("cuda", found, {})


def test_the_supervisors_workers_get_their_gpu_and_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], Mapping[str, str]]] = []

    class Child:
        pid = psutil.Process().pid

        def __init__(self, argv: list[str], env: Mapping[str, str], **others: object) -> None:
            started.append((argv, env))

    monkeypatch.setenv(MASK, "2,3")
    options = chosen_by(CAMPAIGN)
    places = ("cuda:0", "cuda:1", "cuda:0", "cuda:1")
    made = launcher(options, CAMPAIGN, places, 4)
    monkeypatch.setattr(subprocess, "Popen", Child)
    for slot, place in enumerate(places):
        made.start(f"w{slot + 1}", devices.environment_of(place))
    assert [env[MASK] for _, env in started] == ["2", "3", "2", "3"]
    for argv, env in started:
        assert argv[argv.index("--device") + 1] == "cuda"
        assert argv[argv.index("--share") + 1] == "2", "two on each GPU"
        assert env["VECLIB_MAXIMUM_THREADS"] == "1"
    more = launcher(options, CAMPAIGN, places, 5).arguments
    assert more[more.index("--share") + 1] == "3", "a fifth goes to the first GPU"


def test_a_worker_tells_its_own_devices_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def reserved(device: str | None = None) -> int:
        return {"cuda:1": 7 * GIB}.get(device or "cuda:0", GIB)

    monkeypatch.setattr("torch.cuda.memory_reserved", reserved)
    worker = Worker.__new__(Worker)
    worker._options, worker._process = WorkerOptions("w1", "cuda:1"), psutil.Process()
    assert worker._memory_bytes() == 7 * GIB


@pytest.mark.parametrize(("device", "share", "expected"), [("cpu", 4, 2.0), ("cpu", 1, 8.0), ("cuda:1", 2, 20.0)])
def test_packs_get_a_share_of_what_is_free(
    monkeypatch: pytest.MonkeyPatch, device: str, share: int, expected: float
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: type("", (), {"available": 99 * GIB}))
    monkeypatch.setattr("trainer.devices.allowance.free_memory", lambda available: min(available, 10 * GIB))
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: ({"cuda:1": 50 * GIB}[device], 80 * GIB))
    monkeypatch.setattr("torch.cuda.memory_reserved", lambda device: 3 * GIB)
    monkeypatch.setattr("torch.cuda.memory_allocated", lambda device: 3 * GIB)
    worker = Worker.__new__(Worker)
    worker._options = WorkerOptions("w1", device, share=share)
    assert worker._free_bytes() == pytest.approx(expected * GIB, rel=1e-6), "0.8 of it"


def test_workers_by_default_are_as_many_as_cores_and_memory_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "cores", lambda: Allowed(16, 64, "the CPU quota"))
    monkeypatch.setattr(allowance, "memory", lambda: Allowed(256 * GIB, 256 * GIB))
    assert devices.default_workers() == Allowed(16, 64, "the CPU quota")
    assert devices.slots(["cpu"], None) == ("cpu",) * 16
    assert devices.slots(["cpu"], 3) == ("cpu",) * 3, "what the user says counts"
    assert devices.slots(["cpu"], 99) == ("cpu",) * 99
    monkeypatch.setattr(allowance, "memory", lambda: Allowed(3 * WORKER_BYTES, 256 * GIB, "the memory limit"))
    assert devices.default_workers() == Allowed(3, 64, "the memory limit")
    assert devices.slots(["cpu"], None) == ("cpu",) * 3
    monkeypatch.setattr(allowance, "memory", lambda: Allowed(1000, 256 * GIB, "the memory limit"))
    assert devices.default_workers().amount == 1
    assert devices.slots(["cuda:0", "cuda:1"], None) == ("cuda:0", "cuda:1")


def test_a_worker_by_hand_trains_where_its_campaign_does(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_probe(monkeypatch, {None: [GPU]})
    assert auto_device({"device": "cuda"}, is_here=True) == "cuda:0"
    others: list[dict[str, object]] = [{"device": "cpu"}, {"device": "mps"}, {"device": "../x"}, {"device": []}, {}]
    for said in others:
        assert auto_device(said, is_here=True) == "cpu", said
