"""How Kubernetes is spoken to by the program `kubectl`: the manifest of a worker's Job, and what a list of Jobs and
their pods says. Pure.

A Job starts one pod and never another: what becomes of a worker that ended is ours to say. Which cluster and which
namespace are meant the user's kubeconfig says. Jobs are found again by their labels, which may be longer than a name.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cqltui.campaign.model import CommandConfig
from cqltui.child import ONE_THREAD
from cqltui.placement.protocol import End, State, Why
from cqltui.placement.starting import ENV_FILE, Starting
from cqltui.placement.templates import Dialect, Row, last_word

RUN, SLOT = "cqltui/run", "cqltui/slot"
GRACE_S = 60
KEPT_S = 3600
"""So long Kubernetes keeps a Job that has ended; it is asked twice a minute."""
SECRETS = "/run/secrets/cqltui"
SECRET_KEY = "worker.env"
WORK = "/work"
_REASONS = {
    "OOMKilled": Why.OOM,
    "Evicted": Why.PREEMPTED,
    "Preempting": Why.PREEMPTED,
    "PreemptionByScheduler": Why.PREEMPTED,
    "EvictionByEvictionAPI": Why.PREEMPTED,
    "TerminationByKubelet": Why.PREEMPTED,
    "DeletionByTaintManager": Why.NODE_LOST,
    "DeletionByPodGC": Why.NODE_LOST,
    "NodeLost": Why.NODE_LOST,
    "NodeShutdown": Why.NODE_LOST,
    "Terminated": Why.NODE_LOST,
    "DeadlineExceeded": Why.TIME_LIMIT,
}
"""Of containers, pods and conditions."""


def manifest(command: CommandConfig, starting: Starting, slot: str) -> str:
    """Return the Job of a slot's worker, as JSON."""
    labels = {RUN: starting.run, SLOT: slot}
    limits: dict[str, str] = {"cpu": str(command.cpus)}
    limits |= {"memory": command.memory} if command.memory else {}
    limits |= {"nvidia.com/gpu": str(command.gpus)} if command.gpus else {}
    environment = {**ONE_THREAD, ENV_FILE: f"{SECRETS}/{SECRET_KEY}"}
    container = {
        "name": "worker",
        "image": command.image,
        "command": starting.worker(slot),
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "workingDir": WORK,
        "resources": {"requests": limits, "limits": limits},
        "volumeMounts": [
            {"name": "work", "mountPath": WORK},
            # By a path of its own it is a file; else it would be a link, which is not followed.
            {"name": "secret", "mountPath": f"{SECRETS}/{SECRET_KEY}", "subPath": SECRET_KEY, "readOnly": True},
        ],
    }
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_S,
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [
            {"name": "work", "emptyDir": {}},
            {"name": "secret", "secret": {"secretName": command.secret, "defaultMode": 0o400}},
        ],
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": _name(starting, slot), "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": KEPT_S,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    return json.dumps(job, indent=1)


def _name(starting: Starting, slot: str) -> str:
    """Return what the Job's name begins with: at most 50 characters, as host names have them."""
    return f"cqltui-{re.sub('[^a-z0-9]+', '-', slot.lower())}-{starting.run[-8:]}-"


def _rows(said: str) -> Iterator[Row]:
    """Of `kubectl get jobs,pods --output=json`."""
    try:
        items = json.loads(said or "{}").get("items", [])
    except (ValueError, RecursionError, AttributeError):
        return
    found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    pods = {_label(item, "job-name"): item for item in found if item.get("kind") == "Pod"}
    for job in (item for item in found if item.get("kind") == "Job"):
        name = str(_part(job, "metadata").get("name", ""))
        state, end, reason = _state(_part(job, "status"), _part(pods.get(name, {}), "status"))
        if _part(job, "metadata").get("deletionTimestamp") and end is None:
            state = State.RUNNING  # it leaves, and saves its work
        yield Row(f"job.batch/{name}", f"{_label(job, RUN)}-{_label(job, SLOT)}", state, end, reason)


def _state(job: Mapping[str, Any], pod: Mapping[str, Any]) -> tuple[State, End | None, str]:
    happened = {str(one.get("type")): one for one in _dicts(job.get("conditions")) if one.get("status") == "True"}
    if "Complete" in happened or "SuccessCriteriaMet" in happened:
        return State.ENDED, End(Why.EXIT), ""
    for kind in ("Failed", "FailureTarget"):
        if kind in happened:
            return State.ENDED, _end(pod, str(happened[kind].get("reason", ""))), ""
    if pod.get("phase") == "Running":
        return State.RUNNING, None, ""
    if pod.get("phase") in ("Succeeded", "Failed"):
        return State.ENDED, End(Why.EXIT) if pod["phase"] == "Succeeded" else _end(pod, ""), ""
    return (State.UNKNOWN if pod.get("phase") == "Unknown" else State.PENDING), None, _waits_for(job, pod)


def _end(pod: Mapping[str, Any], reason: str) -> End:
    """Return why a pod ended: what says that it was none of its own doing counts first."""
    terminated = _terminated(pod)
    disruptions = [one for one in _dicts(pod.get("conditions")) if one.get("type") == "DisruptionTarget"]
    for said in (*(one.get("reason") for one in disruptions), pod.get("reason"), terminated.get("reason"), reason):
        if (why := _REASONS.get(str(said))) is not None:
            return End(why)
    code = terminated.get("exitCode")
    if not isinstance(code, int):
        return End(Why.UNKNOWN)  # its pod is gone, and with it what it could tell
    return End(Why.SIGNAL, 128 - code) if code > 128 else End(Why.EXIT, code)


def _waits_for(job: Mapping[str, Any], pod: Mapping[str, Any]) -> str:
    """Return what keeps a pod from running, by the first part that says so."""
    waiting = [_part(_part(one, "state"), "waiting") for one in _dicts(pod.get("containerStatuses"))]
    untrue = [one for one in _dicts(pod.get("conditions")) if one.get("status") == "False"]
    scheduled = [one for one in untrue if one.get("type") == "PodScheduled"]
    suspended = [one for one in _dicts(job.get("conditions")) if one.get("type") == "Suspended"]
    for told in (*scheduled, *waiting, *suspended):
        words = [str(told[key]) for key in ("reason", "message") if told.get(key)]
        if words:
            return ": ".join(words)
    return ""


def _terminated(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    statuses = list(_dicts(pod.get("containerStatuses")))
    return _part(_part(statuses[0], "state"), "terminated") if statuses else {}


def _part(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = of.get(key)
    return found if isinstance(found, dict) else {}


def _dicts(value: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _label(of: Mapping[str, Any], name: str) -> str:
    return str(_part(_part(of, "metadata"), "labels").get(name, ""))


KUBECTL = Dialect(
    ("kubectl", "create", "--filename=-", "--output=name", "{options}"),
    ("kubectl", "get", "jobs,pods", f"--selector={RUN}={{run}}", "--output=json"),
    ("kubectl", "delete", "{job}", "--wait=false", "--ignore-not-found"),
    last_word,
    _rows,
    manifest,
)
