"""Ray, Kubernetes and SkyPilot: what they are told, and what they say, in words that Ray 2.60 has said, and that the
sources of SkyPilot 0.14 and the API of Kubernetes define."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from cqltui.campaign import blocks
from cqltui.campaign.model import BlockConfig, CommandConfig
from cqltui.placement import templates
from cqltui.placement.command import start_words
from cqltui.placement.kubewords import manifest
from cqltui.placement.presets import PRESETS
from cqltui.placement.protocol import End, State, Why
from cqltui.placement.starting import Starting
from cqltui.placement.templates import Row

RUN = Path("/data/my runs/night")
IMAGE = CommandConfig("kubectl", image="lab/cqltui:1", secret="night", cpus=2, memory="4Gi", gpus=1)
GOLDEN = Path(__file__).parent.parent / "data" / "kubectl_job.json"


def starting(command: CommandConfig, **settings: Any) -> Starting:
    """Those of a block "Pool_x" of two workers, which do not see the run directory."""
    block = BlockConfig("Pool_x", command, 2, shared=False, python="python3", **settings)
    return Starting(RUN, block, RUN / "logs", RUN / "blocks" / "pool.env")


def test_every_preset_of_the_file_is_known() -> None:
    assert PRESETS.keys() == set(blocks.PRESETS)


def test_what_ray_is_asked_for() -> None:
    own = starting(CommandConfig("ray"))
    words = start_words(PRESETS["ray"], ("--entrypoint-num-gpus=1",), own, "Pool_x-1")
    before, worker = words[: words.index("--")], words[words.index("--") + 1 :]
    assert before[:4] == ["ray", "job", "submit", "--no-wait"]
    assert json.loads(before[before.index("--metadata-json") + 1]) == {"name": own.job_name("Pool_x-1")}
    environment = json.loads(before[before.index("--runtime-env-json") + 1])["env_vars"]
    assert environment == {"RAY_JOB_STOP_WAIT_TIME_S": "60"}, "else it is killed after three seconds"
    assert before[-2:] == ["--entrypoint-num-cpus=1", "--entrypoint-num-gpus=1"]
    assert worker == templates.fill(["{worker}"], own, "Pool_x-1")
    said = "16:05:20 SUCC cli.py:67 -- Job 'raysubmit_wEHZKn6YcyMKmrTM' submitted successfully\nNext steps\n"
    assert PRESETS["ray"].job(said) == "raysubmit_wEHZKn6YcyMKmrTM"
    assert PRESETS["ray"].job("ConnectionError: ...") is None


def ray(status: str, **told: Any) -> dict[str, Any]:
    """A job as Ray lists it."""
    return {"submission_id": "raysubmit_1", "status": status, "metadata": {"name": "a"}} | told


@pytest.mark.parametrize(
    ("told", "state", "end"),
    [
        (ray("RUNNING", message="Job is currently running."), State.RUNNING, None),
        (ray("STOPPED"), State.ENDED, End(Why.CANCELLED)),
        (ray("SUCCEEDED", driver_exit_code=0), State.ENDED, End(Why.EXIT)),
        (ray("FAILED", driver_exit_code=3), State.ENDED, End(Why.EXIT, 3)),
        (ray("FAILED", driver_exit_code=-9), State.ENDED, End(Why.SIGNAL, -9)),
        (ray("FAILED", driver_exit_code=137), State.ENDED, End(Why.SIGNAL, -9)),
        (ray("FAILED", driver_exit_code=None, error_type="JOB_SUPERVISOR_ACTOR_DIED"), State.ENDED, End(Why.NODE_LOST)),
        (
            ray("FAILED", error_type="JOB_SUPERVISOR_ACTOR_DIED", message="killed: the node runs low on memory"),
            State.ENDED,
            End(Why.OOM),
        ),
        (ray("FAILED", error_type="RUNTIME_ENV_SETUP_FAILURE"), State.ENDED, End(Why.UNKNOWN)),
        (ray("NEWFANGLED"), State.UNKNOWN, None),
    ],
)
def test_what_ray_tells(told: dict[str, Any], state: State, end: End | None) -> None:
    other = {"type": "DRIVER", "submission_id": None, "status": "RUNNING", "metadata": None}
    assert list(PRESETS["ray"].rows(json.dumps([other, told]))) == [Row("raysubmit_1", "a", state, end)]


def test_why_a_job_of_ray_waits() -> None:
    said = "It may be waiting for resources (CPUs, GPUs, memory, custom resources) to become available"
    told = ray("PENDING", message=f"Job has not started yet. {said}. It may be waiting for the runtime environment.")
    (row,) = PRESETS["ray"].rows(json.dumps([told]))
    assert (row.state, row.reason) == (State.PENDING, said)


def test_what_kubernetes_is_asked_for() -> None:
    """The whole manifest: `tests/cluster/test_kubectl.py` holds the same file against the schema of Kubernetes."""
    own = starting(IMAGE, data_root="/data")
    assert PRESETS["kubectl"].given is manifest
    assert json.loads(manifest(IMAGE, own, "Pool_x-2")) == json.loads(GOLDEN.read_text("utf-8"))
    words = start_words(PRESETS["kubectl"], ("--context=lab",), own, "Pool_x-2")
    assert words == ["kubectl", "create", "--filename=-", "--output=name", "--context=lab"]
    listing = templates.fill(PRESETS["kubectl"].list, own, "")
    assert listing[-2:] == [f"--selector=cqltui/run={own.run}", "--output=json"]
    assert PRESETS["kubectl"].job("job.batch/cqltui-pool-x-2-0f9d-x7kqz\n") == "job.batch/cqltui-pool-x-2-0f9d-x7kqz"


def test_labels_and_names_fit_kubernetes() -> None:
    long = Starting(Path("/r") / ("n" * 200), BlockConfig("b" * 31, IMAGE, 1024, shared=False), Path("/l"))
    made = json.loads(manifest(IMAGE, long, long.block.slots[-1]))["metadata"]
    assert max(map(len, made["labels"].values())) <= 63
    assert len(made["generateName"]) <= 58, "Kubernetes adds five characters"


def kube(job: dict[str, Any], pod: dict[str, Any] | None, **metadata: Any) -> str:
    """A list with a Job and its pod, as kubectl prints it."""
    labels = {"cqltui/run": "cqltui-night-1", "cqltui/slot": "b-1"}
    items: list[dict[str, Any]] = [
        {"kind": "Job", "metadata": {"name": "j", "labels": labels} | metadata, "status": job}
    ]
    if pod is not None:
        items.append({"kind": "Pod", "metadata": {"labels": labels | {"job-name": "j"}}, "status": pod})
    return json.dumps({"kind": "List", "items": items})


def failed(reason: str = "BackoffLimitExceeded") -> dict[str, Any]:
    """The status of a Job that has failed."""
    return {"conditions": [{"type": "Failed", "status": "True", "reason": reason}]}


def ended(code: int, reason: str = "Error", **told: Any) -> dict[str, Any]:
    """The status of a pod whose container has ended."""
    terminated = {"exitCode": code, "reason": reason}
    return {"phase": "Failed", "containerStatuses": [{"state": {"terminated": terminated}}]} | told


DISRUPTED = [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes: no GPU"}
NO_IMAGE = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}


@pytest.mark.parametrize(
    ("said", "state", "end", "reason"),
    [
        (kube({"active": 1}, {"phase": "Running"}), State.RUNNING, None, ""),
        (kube({}, None), State.PENDING, None, ""),
        (
            kube({"active": 1}, {"phase": "Pending", "conditions": [UNSCHEDULABLE]}),
            State.PENDING,
            None,
            "Unschedulable: 0/3 nodes: no GPU",
        ),
        (
            kube({"active": 1}, {"phase": "Pending", "containerStatuses": [NO_IMAGE]}),
            State.PENDING,
            None,
            "ImagePullBackOff: Back-off pulling image",
        ),
        (kube({"active": 1}, {"phase": "Unknown"}), State.UNKNOWN, None, ""),
        (kube({"conditions": [{"type": "Complete", "status": "True"}]}, None), State.ENDED, End(Why.EXIT), ""),
        (kube(failed(), ended(3)), State.ENDED, End(Why.EXIT, 3), ""),
        (kube(failed(), ended(137)), State.ENDED, End(Why.SIGNAL, -9), ""),
        (kube(failed(), ended(137, "OOMKilled")), State.ENDED, End(Why.OOM), ""),
        (kube(failed(), ended(143, conditions=DISRUPTED)), State.ENDED, End(Why.PREEMPTED), ""),
        (kube(failed(), ended(137, reason="Error") | {"reason": "NodeLost"}), State.ENDED, End(Why.NODE_LOST), ""),
        (kube(failed("DeadlineExceeded"), None), State.ENDED, End(Why.TIME_LIMIT), ""),
        (kube(failed(), None), State.ENDED, End(Why.UNKNOWN), ""),
        (kube({"active": 1}, ended(3)), State.ENDED, End(Why.EXIT, 3), ""),
        (kube({"active": 1}, {"phase": "Pending"}, deletionTimestamp="2026-11-27"), State.RUNNING, None, ""),
    ],
)
def test_what_kubernetes_tells(said: str, state: State, end: End | None, reason: str) -> None:
    assert list(PRESETS["kubectl"].rows(said)) == [Row("job.batch/j", "cqltui-night-1-b-1", state, end, reason)]


def test_what_skypilot_is_asked_for_and_tells() -> None:
    own = starting(CommandConfig("skypilot"))
    words = start_words(PRESETS["skypilot"], ("--gpus=L4:1",), own, "Pool_x-1")
    assert words[:3] == ["sky", "jobs", "launch"]
    assert words[words.index("--name") + 1] == own.job_name("Pool_x-1")
    assert words[words.index("--secret-file") + 1] == str(own.env_file), "its lines become the job's secrets"
    assert words[-2] == "--gpus=L4:1"
    command = shlex.split(words[-1])
    assert command[:2] == ["exec", "/usr/bin/env"], "the shell's place, so that the signal reaches it"
    assert command[command.index("python3") :] == own.worker("Pool_x-1")
    assert not any(word.startswith("CQLTUI_ENV_FILE") for word in command), "a file of this machine"
    assert PRESETS["skypilot"].job("Job submitted, ID: 12\n") == "12"
    jobs: list[dict[str, Any]] = [
        {"job_id": 1, "job_name": "a", "status": "RUNNING"},
        {"job_id": 2, "job_name": "b", "status": "PENDING", "details": "In queue"},
        {"job_id": 3, "job_name": "c", "status": "RECOVERING", "details": None},
        {"job_id": 4, "job_name": "d", "status": "FAILED"},
        {"job_id": 5, "job_name": "e", "status": "CANCELLED"},
        {"job_id": 6, "job_name": "f", "status": None},
        {"job_id": None},
    ]
    assert list(PRESETS["skypilot"].rows(json.dumps(jobs))) == [
        Row("1", "a", State.RUNNING),
        Row("2", "b", State.PENDING, reason="In queue"),
        Row("3", "c", State.PENDING, reason="recovering"),
        Row("4", "d", State.ENDED, End(Why.EXIT, 1)),
        Row("5", "e", State.ENDED, End(Why.CANCELLED)),
        Row("6", "f", State.UNKNOWN),
    ]


def test_without_a_server_of_ones_own_there_is_no_file_of_secrets() -> None:
    own = starting(CommandConfig("skypilot"))
    bare = Starting(own.run_dir, own.block, own.logs)
    assert "--secret-file" not in start_words(PRESETS["skypilot"], (), bare, "Pool_x-1")


@pytest.mark.parametrize("preset", ["ray", "kubectl", "skypilot"])
@pytest.mark.parametrize("nonsense", ["", "{", "[]", "[3]", '{"items": 3}', '{"items": [7, {"kind": "Job"}]}', "null"])
def test_nonsense_names_no_job_of_ours(preset: str, nonsense: str) -> None:
    own = starting(CommandConfig(preset))
    assert [row for row in PRESETS[preset].rows(nonsense) if own.slot(row.name)] == []
