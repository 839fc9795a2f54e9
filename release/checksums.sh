#!/usr/bin/env bash
# Writes the SHA-256 of each file in DIRECTORY into azwi-policy-checksums.txt in it. Who signs that file signs all of them.
source "$(dirname "$0")/common.sh"
[ $# -eq 1 ] || usage DIRECTORY
need sha256sum
cd "$1"
rm -f "$checksums"
files=(*)
[ -e "${files[0]}" ] || fail "$1: expected files, found none"
sums=$(sha256sum -- "${files[@]}")
echo "$sums" > "$checksums"
