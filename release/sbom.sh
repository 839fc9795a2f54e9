#!/usr/bin/env bash
# Writes policy-sbom.spdx.json and azwi-policy-sbom.spdx.json into DIRECTORY: the crates of the policy and of the program. The file
# of the program names those of the module inside it, too: the policy is one of its crates.
source "$(dirname "$0")/common.sh"
[ $# -eq 1 ] || usage DIRECTORY
need cargo cargo-sbom jq
mkdir -p "$1"
directory=$(cd "$1" && pwd)
cd "$repository"

write() {
  local package=$1 file=$2 compiled named missing
  cargo sbom --cargo-package "$package" --output-format spdx_json_2_3 > "$directory/$file"
  # Every crate that Cargo compiles into it, for whichever system.
  compiled=$(cargo tree --locked --package "$package" --edges normal --target all --prefix none --format '{p}' |
    awk '{ sub(/^v/, "", $2); print $1 "@" $2 }' | sort -u)
  named=$(jq --raw-output '.packages[] | .name + "@" + .versionInfo' "$directory/$file" | sort -u)
  missing=$(comm -23 <(echo "$compiled") <(echo "$named"))
  [ -z "$missing" ] || fail "$file: expected all crates of $package, missing are $(tr "\n" " " <<<"$missing")"
}
write azure-workload-identity-policy policy-sbom.spdx.json
write azwi-policy azwi-policy-sbom.spdx.json
