# shellcheck shell=bash
# What the scripts of a release share. Each of them is run from anywhere and works on the repository that it is in.
set -euo pipefail
export LC_ALL=C

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The file with the checksums.
# shellcheck disable=SC2034
checksums=azwi-policy-checksums.txt

fail() {
  echo "error: $*" >&2
  exit 1
}

# Ends a script that was called with the wrong number of arguments; the words before them are its usage.
usage() {
  echo "usage: release/$(basename "$0") $*" >&2
  exit 2
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || fail "$tool is not on PATH; docs/testing.md says what a release needs"
  done
}

# A key of the package in Cargo.toml.
of_cargo() {
  sed -n -e '/^\[workspace\]/q' -e "s/^$1 = \"\(.*\)\"\$/\1/p" "$repository/Cargo.toml"
}

# The row of a target, or of all of them.
rows() {
  local found
  found=$(awk -v target="$1" '!/^#/ && (target == "" || $1 == target)' "$repository/release/targets")
  [ -n "$found" ] || fail "expected a target of release/targets, found \"$1\""
  echo "$found"
}

# The name of the program for a system.
program_for() {
  if [ "$1" = windows ]; then echo azwi-policy.exe; else echo azwi-policy; fi
}

# The time that files of the release have: that of the commit, unless SOURCE_DATE_EPOCH says another.
epoch() {
  echo "${SOURCE_DATE_EPOCH:-$(git -C "$repository" log -1 --format=%ct)}"
}
