#!/bin/sh
# Install what tests/cluster needs and Debian has. What cannot be installed is named, and the tests say that they skip.
set -u
missing=
command -v slurmctld >/dev/null 2>&1 || [ -x /usr/sbin/slurmctld ] || missing="slurm-wlm munge"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "tests/cluster will skip: it needs root and Debian's $missing (apt-get install $missing)" >&2
  exit 0
fi
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >/dev/null ||
  echo "tests/cluster will skip: apt-get install $missing failed" >&2
