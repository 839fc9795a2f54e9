#!/usr/bin/env bash
# Builds policy.wasm once more, from a copy of the sources in another directory and with Cargo's files in another one, and compares
# it with the one that is in the repository.
source "$(dirname "$0")/common.sh"
[ $# -eq 0 ] || usage ""
need cargo git make tar
cd "$repository"
[ -f policy.wasm ] || fail "expected policy.wasm, found none; help: make policy.wasm"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/copy" "$work/cargo"
# With what is new, without what was deleted.
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
  tar --create --null --files-from - | tar --extract --directory "$work/copy"
# What Cargo has downloaded is under another path; the rest of its directory stays out.
home=${CARGO_HOME:-$HOME/.cargo}
for name in registry config.toml; do
  [ ! -e "$home/$name" ] || ln -s "$home/$name" "$work/cargo/$name"
done
CARGO_HOME=$work/cargo make --directory "$work/copy" policy.wasm ||
  fail "policy.wasm cannot be built in another directory"
cmp policy.wasm "$work/copy/policy.wasm" ||
  fail "policy.wasm: expected the same bytes from another directory; help: look for paths with strings policy.wasm"
for path in "$repository" "$home" "$(rustc --print sysroot)" "$work"; do
  if grep --quiet --binary --fixed-strings "$path" policy.wasm; then
    fail "policy.wasm: expected no path of this machine, found $path"
  fi
done
echo "policy.wasm: the same from two directories"
