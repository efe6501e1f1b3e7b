"""`make lock`: write the lock files anew, for every platform, by the versions in constraints.txt."""

import argparse
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
EXTRAS = {"run": ("report",), "dev": ("report", "dev"), "bench": ("report", "dev", "bench")}
TOOLS = "pip-audit\nuv\n"
"""What `make audit` and `make lock` work with, in an environment of its own."""
CLUSTER = "kubernetes-validate\nray[default]\n"
"""What `make cluster` tests with, likewise."""
BY_VERSION = re.compile(r"^(torch|triton|cuda-[\w-]+|nvidia-[\w-]+)==.*\\\n(    .*\n)*", re.MULTILINE)
"""PyTorch and what its builds for Linux bring: they are installed by version, since the builds differ by platform."""


def main() -> None:
    """Renew all lock files."""
    parser = argparse.ArgumentParser(prog="make lock", description=__doc__)
    parser.add_argument("--uv", type=Path, required=True, help="the program that resolves")
    uv = parser.parse_args().uv
    for name, extras in EXTRAS.items():
        _write(uv, name, "pyproject.toml", *(f"--extra={extra}" for extra in extras))
    _write(uv, "pip", "-", text="pip\n")
    _write(uv, "tools", "-", text=TOOLS)
    _write(uv, "cluster", "-", text=CLUSTER)


def _write(uv: Path, name: str, *arguments: str, text: str | None = None) -> None:
    command = [
        str(uv), "pip", "compile", *arguments, "--constraint=constraints.txt", "--universal", "--generate-hashes",
        "--python-version=3.11", "--no-header", "--no-annotate", "--quiet",
    ]  # fmt: skip
    found = subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=False)
    if found.returncode:
        raise SystemExit(found.stderr)
    (HERE / f"{name}.lock").write_text(BY_VERSION.sub("", found.stdout), encoding="utf-8")


if __name__ == "__main__":
    main()
