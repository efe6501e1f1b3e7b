"""The Job of Kubernetes that a block starts, against the schemas of Kubernetes, which are not installed with cqltui."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cluster import tools

JOB = Path(__file__).parent.parent / "data" / "kubectl_job.json"
"""`tests/unit/test_presets.py` compares what is made with it."""
CODE = "import json, sys, kubernetes_validate as k; k.validate(json.load(open(sys.argv[1])), sys.argv[2], strict=True)"
"""Its program wants a name, and not what a name begins with."""


def validate(path: Path, version: str) -> subprocess.CompletedProcess[str]:
    """Run the validator."""
    words = [str(tools.BIN / "python"), "-c", CODE, str(path), version]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("version", ["1.28", "1.37"])
def test_the_schema_accepts_the_job_and_nothing_misspelt(version: str, tmp_path: Path) -> None:
    if why := tools.why_not("kubernetes-validate"):
        pytest.skip(why)
    done = validate(JOB, version)
    assert done.returncode == 0, done.stdout + done.stderr
    job = json.loads(JOB.read_text("utf-8"))
    job["spec"]["backofflimit"] = job["spec"].pop("backoffLimit")
    wrong = tmp_path / "job.json"
    wrong.write_text(json.dumps(job), encoding="utf-8")
    assert "backofflimit" in (done := validate(wrong, version)).stdout + done.stderr
    assert done.returncode != 0
