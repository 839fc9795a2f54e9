#!/usr/bin/env bash
# Checks that a program is what a release promises for its target: the architecture, no libraries to look for on Linux, the
# version, and the module inside. It is run if this machine can run it; RUN_WITH names a program that runs it otherwise, such as
# qemu-aarch64.
source "$(dirname "$0")/common.sh"
[ $# -eq 2 ] || usage TARGET PROGRAM
target=$1 program=$2
row=$(rows "$target")
read -r _ _ system _ <<<"$row"
[ -f "$program" ] || fail "$program: there is no such file"
# By the same name from anywhere.
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")

case $system in
  linux)
    need readelf
    machine=$(readelf --file-header "$program" 2>/dev/null | sed -n 's/^ *Machine: *//p')
    case $target in
      x86_64-*) expected="Advanced Micro Devices X86-64" ;;
      *) expected=AArch64 ;;
    esac
    [ "$machine" = "$expected" ] || fail "$program: expected a program for $expected, found \"$machine\""
    if readelf --program-headers --wide "$program" | grep -q INTERP; then
      fail "$program: expected a static program, found one with an interpreter"
    fi
    if needed=$(readelf --dynamic --wide "$program" | grep NEEDED); then
      fail "$program: expected a static program, found libraries that it needs: $needed"
    fi
    ;;
  *)
    need file
    kind=$(file --brief "$program")
    case $target in
      x86_64-apple-*) expected="Mach-O 64-bit *x86_64*" ;;
      aarch64-apple-*) expected="Mach-O 64-bit *arm64*" ;;
      *) expected="PE32+ executable *x86-64*" ;;
    esac
    # shellcheck disable=SC2254 # A pattern.
    case $kind in
      $expected) ;;
      *) fail "$program: expected $expected, found $kind" ;;
    esac
    ;;
esac

# What runs it.
run=()
case $(uname -s) in
  Linux) here=linux ;;
  Darwin) here=darwin ;;
  MINGW* | MSYS*) here=windows ;;
  *) here=unknown ;;
esac
machine=$(uname -m)
if [ -n "${RUN_WITH:-}" ]; then
  need "$RUN_WITH"
  run=("$RUN_WITH")
elif [ "$here" != "$system" ] || [ "${machine/arm64/aarch64}" != "${target%%-*}" ]; then
  echo "$program: built; it was not run, for this machine cannot"
  exit 0
fi

found=$(${run[@]+"${run[@]}"} "$program" --version | tr -d '\r')
expected="azwi-policy $(of_cargo version)"
[ "$found" = "$expected" ] || fail "$program --version: expected \"$expected\", found \"$found\""
# Away from the repository, where the module would be found in the directory.
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
cp -R "$repository/examples/quick-start" "$away/quick-start"
(cd "$away" && ${run[@]+"${run[@]}"} "$program" test quick-start) || fail "$program test: failed away from the repository"
