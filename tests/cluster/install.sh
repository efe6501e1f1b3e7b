#!/bin/sh
# Install what tests/cluster needs and Debian has. What cannot be installed is named, and the tests say that they skip.
set -u
missing=
command -v slurmctld >/dev/null 2>&1 || [ -x /usr/sbin/slurmctld ] || missing="slurm-wlm munge"
[ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
command -v ssh >/dev/null 2>&1 || missing="$missing openssh-client"
command -v ip >/dev/null 2>&1 || missing="$missing iproute2"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "tests/cluster will skip: it needs root and Debian's $missing (apt-get install $missing)" >&2
  exit 0
fi
# openssh-server would start one on port 22, which no test uses: a policy forbids services while it is installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >/dev/null ||
  echo "tests/cluster will skip: apt-get install $missing failed" >&2
