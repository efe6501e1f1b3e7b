"""`make audit`: is what is installed what the lock files name, and is a vulnerability of it known?"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HERE = Path(__file__).parent
CONSTRAINTS = HERE.parent / "constraints.txt"
BUILDS = re.compile(r"torch$|triton$|cuda-|nvidia-")
LOCKS = ("pip", "run", "dev")
ASK_S = 300.0


def locked(text: str) -> dict[str, str]:
    """Name to version of what a lock file names for this platform."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        try:
            requirement = Requirement(line.removesuffix("\\").strip())
        except InvalidRequirement:  # a hash
            continue
        if requirement.marker is None or requirement.marker.evaluate():
            found[canonicalize_name(requirement.name)] = next(iter(requirement.specifier)).version
    return found


def by_version(text: str) -> dict[str, str]:
    """Name to version of what constraints.txt names and no lock file does, since its builds differ by platform."""
    return {name: version for name, version in locked(text).items() if BUILDS.match(name)}


def differences(expected: Mapping[str, str], installed: Mapping[str, str]) -> Iterator[str]:
    """Yield what is missing, or of another version, a line each."""
    for name, version in sorted(expected.items()):
        if (found := installed.get(name)) != version:
            yield f"{name}: locked {version}, installed {found or 'not at all'}"


def other_builds(expected: Mapping[str, str], installed: Mapping[str, str]) -> Iterator[str]:
    """As `differences`, whatever a build is called (2.13.0+cpu). PyTorch alone is needed on every platform."""
    for name, version in sorted(expected.items()):
        found = installed.get(name)
        if (found is None and name == "torch") or (found is not None and Version(found).public != version):
            yield f"{name}: tested {version}, installed {found or 'not at all'}"


def main() -> int:
    """Print what was found; 1 if anything differs or is vulnerable."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--pip-audit", type=Path, required=True, help="the program that asks for vulnerabilities")
    asked = parser.parse_args()
    expected: dict[str, str] = {}
    for name in LOCKS:
        expected |= locked((HERE / f"{name}.lock").read_text(encoding="utf-8"))
    installed = {str(canonicalize_name(found.name)): found.version for found in metadata.distributions()}
    builds = by_version(CONSTRAINTS.read_text(encoding="utf-8"))
    differing = [*differences(expected, installed), *other_builds(builds, installed)]
    print("\n".join(differing) or f"{len(expected)} packages are installed as locked, PyTorch as tested")
    others = sorted(installed.keys() - expected.keys())
    print(f"by version, or not locked: {', '.join(f'{name} {installed[name]}' for name in others)}")
    return 1 if _ask(asked.pip_audit) or differing else 0


def vulnerable(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield what pip-audit's JSON tells, a line each: packages with a known vulnerability."""
    for package in answer["dependencies"]:
        for found in package.get("vulns", ()):
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            yield f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}"


def _ask(pip_audit: Path) -> bool:
    """Return whether a vulnerability is known, as the index tells; False, and said, where it does not."""
    environment = os.environ | {"PIPAPI_PYTHON_LOCATION": sys.executable}
    command = [str(pip_audit), "--skip-editable", "--progress-spinner=off", "--format=json"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=ASK_S, check=False)
        answer = json.loads(found.stdout)
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        print("vulnerabilities: unknown, the package index does not answer")
        return False
    lines = list(vulnerable(answer))
    skipped = sum("skip_reason" in package for package in answer["dependencies"])
    asked = len(answer["dependencies"]) - skipped
    unknown = f"; of {skipped} packages the index tells nothing" if skipped else ""
    print("\n".join(lines) or f"vulnerabilities: none is known of {asked} packages{unknown}")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
