#!/usr/bin/env bash
# Makes the image with the program and the module from the archives in DIRECTORY, for each architecture of Linux, or for the given
# ones, and copies it to DESTINATION, an image name with its transport: docker://REGISTRY/NAME:TAG, or oci:FOLDER:TAG. Prints the
# digest.
source "$(dirname "$0")/common.sh"
[ $# -ge 2 ] || usage "DIRECTORY DESTINATION [ARCHITECTURE...]"
directory=$1 destination=$2
shift 2
need buildah git tar
rows=$(rows "" | awk '$3 == "linux"')
if [ $# -eq 0 ]; then
  mapfile -t all < <(awk '{ print $4 }' <<<"$rows")
  set -- "${all[@]}"
fi
module=$repository/annotated-policy.wasm
[ -f "$module" ] || fail "expected annotated-policy.wasm, found none; help: make annotated-policy.wasm"
time=$(epoch)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A store of its own, which needs nothing of the system.
store=(--storage-driver vfs --root "$work/store" --runroot "$work/run")
mkdir "$work/context"
for architecture in "$@"; do
  archive=$(awk -v architecture="$architecture" '$4 == architecture { print $2 }' <<<"$rows")
  [ -n "$archive" ] || fail "expected an architecture of Linux in release/targets, found \"$architecture\""
  [ -f "$directory/$archive" ] || fail "expected $directory/$archive, found none; help: release/archives.sh"
  mkdir "$work/context/$architecture"
  tar --extract --gzip --file "$directory/$archive" --directory "$work/context/$architecture"
  install -m 644 "$module" "$work/context/$architecture/annotated-policy.wasm"
  buildah "${store[@]}" build --quiet --format oci --timestamp "$time" --manifest azwi-policy \
    --platform "linux/$architecture" --build-arg "ARCHITECTURE=$architecture" \
    --label "org.opencontainers.image.title=azwi-policy" \
    --label "org.opencontainers.image.description=$(sed -n 's/^description = "\(.*\)"$/\1/p' "$repository/cli/Cargo.toml")" \
    --label "org.opencontainers.image.version=$(of_cargo version)" \
    --label "org.opencontainers.image.revision=$(git -C "$repository" rev-parse HEAD)" \
    --label "org.opencontainers.image.created=$(date --utc --date="@$time" +%Y-%m-%dT%H:%M:%SZ)" \
    --label "org.opencontainers.image.source=$(of_cargo repository)" \
    --label "org.opencontainers.image.licenses=$(of_cargo license)" \
    --file "$repository/release/Containerfile" "$work/context" >&2
done
buildah "${store[@]}" manifest push --quiet --all --digestfile "$work/digest" azwi-policy "$destination" >&2
cat "$work/digest"
