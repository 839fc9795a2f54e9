#!/usr/bin/env bash
# Packs PROGRAMS/TARGET/azwi-policy of each target of release/targets, or of the given ones, into DIRECTORY, with our licence and those
# of the crates: the file THIRD_PARTY_LICENSES names, or that of the repository. The same programs make the same archives, wherever and
# whenever.
source "$(dirname "$0")/common.sh"
[ $# -ge 2 ] || usage "PROGRAMS DIRECTORY [TARGET...]"
programs=$1 directory=$2
shift 2
need gzip tar zip
tar --version | grep -q 'GNU tar' || fail "expected GNU tar on PATH"
time=$(epoch)
others=${THIRD_PARTY_LICENSES:-$repository/THIRD-PARTY-LICENSES}
[ -f "$others" ] || fail "expected $others, found none; help: make third-party-licenses"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- ""
for target in "$@"; do
  rows=$(rows "$target")
  mkdir -p "$directory"
  directory=$(cd "$directory" && pwd)
  while read -r target archive system _; do
    program=$(program_for "$system")
    [ -f "$programs/$target/$program" ] || fail "expected the program $programs/$target/$program, found none"
    packed=$work/$target
    mkdir "$packed"
    install -m 755 "$programs/$target/$program" "$packed/$program"
    install -m 644 "$repository/LICENSE" "$packed/LICENSE"
    install -m 644 "$others" "$packed/THIRD-PARTY-LICENSES"
    touch --date="@$time" "$packed"/*
    case $archive in
      *.tar.gz)
        tar --create --directory "$packed" --format ustar --sort name --owner 0 --group 0 --numeric-owner LICENSE THIRD-PARTY-LICENSES "$program" |
          gzip --no-name --best > "$directory/$archive"
        ;;
      *.zip)
        rm -f "$directory/$archive"
        # Times in archives are local ones.
        (cd "$packed" && TZ=UTC zip --quiet -X "$directory/$archive" LICENSE THIRD-PARTY-LICENSES "$program")
        ;;
    esac
  done <<<"$rows"
done
