#!/usr/bin/env bash
# Packs PROGRAMS/TARGET/azwi-policy of each target of release/targets, or of the given ones, into DIRECTORY. The same programs
# make the same archives, wherever and whenever.
source "$(dirname "$0")/common.sh"
[ $# -ge 2 ] || usage "PROGRAMS DIRECTORY [TARGET...]"
programs=$1 directory=$2
shift 2
need gzip tar zip
tar --version | grep -q 'GNU tar' || fail "expected GNU tar on PATH"
time=$(epoch)

mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- ""
for target in "$@"; do
  rows=$(rows "$target")
  while read -r target archive system _; do
    program=$(program_for "$system")
    [ -f "$programs/$target/$program" ] || fail "expected the program $programs/$target/$program, found none"
    packed=$work/$target
    mkdir "$packed"
    install -m 755 "$programs/$target/$program" "$packed/$program"
    install -m 644 "$repository/LICENSE" "$packed/LICENSE"
    touch --date="@$time" "$packed"/*
    case $archive in
      *.tar.gz)
        tar --create --directory "$packed" --format ustar --sort name --owner 0 --group 0 --numeric-owner LICENSE "$program" |
          gzip --no-name --best > "$directory/$archive"
        ;;
      *.zip)
        rm -f "$directory/$archive"
        # Times in archives are local ones.
        (cd "$packed" && TZ=UTC zip --quiet -X "$directory/$archive" LICENSE "$program")
        ;;
    esac
  done <<<"$rows"
done
