#!/usr/bin/env bash
# Prints the notes of the release with a tag: the section of its version in CHANGELOG.md. The tag must be that of Cargo.toml.
source "$(dirname "$0")/common.sh"
[ $# -eq 1 ] || usage TAG
version=$(of_cargo version)
[ "$1" = "v$version" ] || fail "expected the tag v$version, which is the version in Cargo.toml, found $1"
notes=$(awk -v heading="## [$version]" 'index($0, "## [") == 1 { inside = index($0, heading) == 1; next } inside' \
  "$repository/CHANGELOG.md")
[[ $notes =~ [^[:space:]] ]] || fail "CHANGELOG.md: expected a section \"## [$version]\" with text, found none"
echo "$notes"
