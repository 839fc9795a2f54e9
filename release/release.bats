#!/usr/bin/env bats
# What the release workflow does, with the program for this machine's architecture and without a registry or a signature.

bats_require_minimum_version 1.5.0

# What a release spends minutes on makes no difference here.
export CARGO_PROFILE_PROGRAM_OPT_LEVEL=1 CARGO_PROFILE_PROGRAM_CODEGEN_UNITS=256

setup_file() {
  cd "$BATS_TEST_DIRNAME/.." || return
  export TARGET ARCHIVE ARCHITECTURE
  TARGET=$(uname -m)-unknown-linux-musl
  read -r _ ARCHIVE _ ARCHITECTURE < <(grep "^$TARGET " release/targets)
  export PROGRAMS=$BATS_FILE_TMPDIR/programs DIST=$BATS_FILE_TMPDIR/dist
  # Those of the crates take minutes to find: make third-party-licenses.
  export THIRD_PARTY_LICENSES=$BATS_FILE_TMPDIR/licenses
  echo "The licences of others" > "$THIRD_PARTY_LICENSES"
  release/build.sh "$TARGET" "$PROGRAMS" >&2
  release/archives.sh "$PROGRAMS" "$DIST" "$TARGET"
}

setup() {
  cd "$BATS_TEST_DIRNAME/.." || return
  unset SOURCE_DATE_EPOCH
}

# fails WITH COMMAND...: the command fails, with this text alone on standard error.
fails() {
  run --separate-stderr "${@:2}"
  [ "$status" -ne 0 ]
  [ "$output" = "" ]
  # shellcheck disable=SC2154 # By run.
  [ "$stderr" = "$1" ] || { echo "$stderr"; return 1; }
}

@test "the scripts are clean, and say how they are called" {
  shellcheck release/*.sh
  for script in release/*.sh; do
    [ "$script" != release/common.sh ] || continue
    case $script in
      # These take any number of targets.
      *archives.sh | *image.sh) run --separate-stderr "$script" ;;
      *) run --separate-stderr "$script" 1 2 3 4 5 6 7 8 9 ;;
    esac
    [ "$status" -eq 2 ]
    [[ "$stderr" == "usage: $script"* ]]
  done
}

@test "the program has its module inside, wherever it is" {
  cp "$PROGRAMS/$TARGET/azwi-policy" "$BATS_TEST_TMPDIR/azwi-policy"
  cp -R examples/quick-start "$BATS_TEST_TMPDIR"
  cd "$BATS_TEST_TMPDIR"
  run --separate-stderr ./azwi-policy test quick-start
  [ "$status" -eq 0 ]
  [[ "$output" == *", 0 failed"* ]]
}

@test "a program of another architecture, or that needs libraries, is no release" {
  other=aarch64-unknown-linux-musl
  [ "$TARGET" != "$other" ] || other=x86_64-unknown-linux-musl
  run --separate-stderr release/check.sh "$other" "$PROGRAMS/$TARGET/azwi-policy"
  [ "$status" -eq 1 ]
  [[ "$stderr" == "error: $PROGRAMS/$TARGET/azwi-policy: expected a program for "*", found \""*\" ]]
  fails "error: $(command -v bash): expected a static program, found one with an interpreter" \
    release/check.sh "$TARGET" "$(command -v bash)"
  fails "error: there/azwi-policy: there is no such file" release/check.sh "$TARGET" there/azwi-policy
  fails 'error: expected a target of release/targets, found "sparc"' release/check.sh sparc "$(command -v bash)"
}

@test "the archives are the same, wherever and whenever they are packed" {
  umask 077
  mkdir -p "$BATS_TEST_TMPDIR/programs/x86_64-pc-windows-msvc"
  cp -R "$PROGRAMS/$TARGET" "$BATS_TEST_TMPDIR/programs"
  cp "$PROGRAMS/$TARGET/azwi-policy" "$BATS_TEST_TMPDIR/programs/x86_64-pc-windows-msvc/azwi-policy.exe"
  TZ=Asia/Tokyo release/archives.sh "$BATS_TEST_TMPDIR/programs" "$BATS_TEST_TMPDIR/one" "$TARGET" x86_64-pc-windows-msvc
  cmp "$DIST/$ARCHIVE" "$BATS_TEST_TMPDIR/one/$ARCHIVE"
  find "$BATS_TEST_TMPDIR/programs" -exec touch --date=2001-02-03 {} +
  TZ=America/Lima release/archives.sh "$BATS_TEST_TMPDIR/programs" "$BATS_TEST_TMPDIR/two" x86_64-pc-windows-msvc
  cmp "$BATS_TEST_TMPDIR"/*/azwi-policy-windows-x86_64.zip
  SOURCE_DATE_EPOCH=1000000000 release/archives.sh "$PROGRAMS" "$BATS_TEST_TMPDIR/then" "$TARGET"
  run tar --list --verbose --full-time --numeric-owner --utc --file "$BATS_TEST_TMPDIR/then/$ARCHIVE"
  [[ "${lines[0]}" =~ ^-rw-r--r--\ 0/0\ +[0-9]+\ 2001-09-09\ 01:46:40\ LICENSE$ ]]
  [[ "${lines[1]}" =~ ^-rw-r--r--\ 0/0\ +[0-9]+\ 2001-09-09\ 01:46:40\ THIRD-PARTY-LICENSES$ ]]
  [[ "${lines[2]}" =~ ^-rwxr-xr-x\ 0/0\ +[0-9]+\ 2001-09-09\ 01:46:40\ azwi-policy$ ]]
  [ "${#lines[@]}" -eq 3 ]
}

@test "without the licences of others there is no archive" {
  export THIRD_PARTY_LICENSES=$BATS_TEST_TMPDIR/none
  fails "error: expected $THIRD_PARTY_LICENSES, found none; help: make third-party-licenses" \
    release/archives.sh "$PROGRAMS" "$BATS_TEST_TMPDIR/dist" "$TARGET"
}

@test "a program that is missing is no archive" {
  fails "error: expected the program $PROGRAMS/x86_64-apple-darwin/azwi-policy, found none" \
    release/archives.sh "$PROGRAMS" "$BATS_TEST_TMPDIR" x86_64-apple-darwin
}

@test "Krew finds the program in the archive, under the name that its manifest gives" {
  # The other archives are not looked into.
  cp "$DIST/$ARCHIVE" "$BATS_TEST_TMPDIR"
  for archive in $(awk '!/^#/ { print $2 }' release/targets); do
    [ -e "$BATS_TEST_TMPDIR/$archive" ] || echo "$archive" > "$BATS_TEST_TMPDIR/$archive"
  done
  release/checksums.sh "$BATS_TEST_TMPDIR"
  release/krew.sh "$BATS_TEST_TMPDIR" > "$BATS_FILE_TMPDIR/krew.yaml"
  bin=$(awk -v archive="/$ARCHIVE" '
    $1 == "uri:" { inside = index($2, archive) } inside && $1 == "bin:" { print $2 }' "$BATS_FILE_TMPDIR/krew.yaml")
  tar --list --file "$DIST/$ARCHIVE" "$bin"
}

@test "kubectl runs the program as a plugin" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  tar --extract --file "$DIST/$ARCHIVE" --directory "$BATS_TEST_TMPDIR/bin"
  # As Krew does.
  ln -s azwi-policy "$BATS_TEST_TMPDIR/bin/kubectl-azwi_policy"
  command -v kubectl >/dev/null || skip "kubectl is not on PATH"
  export PATH=$BATS_TEST_TMPDIR/bin:$PATH
  kubectl plugin list 2>/dev/null | grep -Fx "$BATS_TEST_TMPDIR/bin/kubectl-azwi_policy"
  for name in azwi-policy azwi_policy; do
    run --separate-stderr kubectl "$name" preview --policy examples/quick-start/policy.yaml \
      --set azureTenantID=contoso.com examples/quick-start
    [ "$status" -eq 0 ]
    [[ "$output" == *AZURE_FEDERATED_TOKEN_FILE* ]]
  done
  run kubectl azwi-policy preview --help
  [[ "$output" == *"Usage: kubectl azwi-policy preview "* ]]
}

@test "the SBOMs name the crates of Cargo.lock, and no other" {
  release/sbom.sh "$BATS_TEST_TMPDIR"
  for file in policy-sbom azwi-policy-sbom; do
    run jq --raw-output '.spdxVersion' "$BATS_TEST_TMPDIR/$file.spdx.json"
    [ "$output" = SPDX-2.3 ]
    jq --raw-output '.packages[] | .name + " " + .versionInfo' "$BATS_TEST_TMPDIR/$file.spdx.json" |
      sort > "$BATS_TEST_TMPDIR/named"
    awk -F '"' '$1 == "name = " { name = $2 } $1 == "version = " { print name, $2 }' Cargo.lock | sort > "$BATS_TEST_TMPDIR/locked"
    [ "$(comm -23 "$BATS_TEST_TMPDIR/named" "$BATS_TEST_TMPDIR/locked")" = "" ]
    grep -q '^wapc-guest ' "$BATS_TEST_TMPDIR/named"
    # What only tests need.
    run ! grep -q '^proptest ' "$BATS_TEST_TMPDIR/named"
  done
  grep -q '^wasmtime ' "$BATS_TEST_TMPDIR/named"
}

@test "the image has the program, the module, the licences, and nobody's name" {
  run --separate-stderr release/image.sh "$DIST" "oci:$BATS_TEST_TMPDIR/image:test" "$ARCHITECTURE"
  echo "$stderr"
  [ "$status" -eq 0 ]
  blob() { echo "$BATS_TEST_TMPDIR/image/blobs/${1/://}"; }
  # The digest that is signed is that of the index, which lists an image for each architecture.
  [ "$(jq --raw-output '.manifests[].digest' "$BATS_TEST_TMPDIR/image/index.json")" = "$output" ]
  run jq --compact-output '.manifests[] | .platform | {os, architecture}' "$(blob "$output")"
  [ "$output" = "{\"os\":\"linux\",\"architecture\":\"$ARCHITECTURE\"}" ]
  index=$(jq --raw-output '.manifests[].digest' "$BATS_TEST_TMPDIR/image/index.json")
  manifest=$(blob "$(jq --raw-output '.manifests[].digest' "$(blob "$index")")")
  run jq --compact-output '.config | {User, Entrypoint, Cmd, WorkingDir}' "$(blob "$(jq --raw-output .config.digest "$manifest")")"
  [ "$output" = '{"User":"65532:65532","Entrypoint":["/azwi-policy"],"Cmd":null,"WorkingDir":"/work"}' ]
  run jq --raw-output '.config.Labels | del(.["io.buildah.version"]) | to_entries[] | .key + "=" + .value' \
    "$(blob "$(jq --raw-output .config.digest "$manifest")")"
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' cli/Cargo.toml)
  [ "$output" = "org.opencontainers.image.created=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
org.opencontainers.image.description=$(sed -n 's/^description = "\(.*\)"$/\1/p' cli/Cargo.toml)
org.opencontainers.image.licenses=Apache-2.0
org.opencontainers.image.revision=$(git rev-parse HEAD)
org.opencontainers.image.source=https://github.com/azure-workload-identity-policy/azure-workload-identity-policy
org.opencontainers.image.title=azwi-policy
org.opencontainers.image.version=$version" ]

  mkdir "$BATS_TEST_TMPDIR/root"
  for layer in $(jq --raw-output '.layers[].digest' "$manifest"); do
    tar --extract --file "$(blob "$layer")" --directory "$BATS_TEST_TMPDIR/root"
  done
  run find "$BATS_TEST_TMPDIR/root" -type f -printf '%P\n'
  [ "$(LC_ALL=C sort <<<"$output")" = $'LICENSE\nTHIRD-PARTY-LICENSES\nannotated-policy.wasm\nazwi-policy' ]
  cmp annotated-policy.wasm "$BATS_TEST_TMPDIR/root/annotated-policy.wasm"
  cmp "$PROGRAMS/$TARGET/azwi-policy" "$BATS_TEST_TMPDIR/root/azwi-policy"

  # As a container engine runs it, with nothing but the image and what is mounted.
  [ "$(id --user)" = 0 ] || skip "only root can run what is in the image"
  cp -R examples/quick-start "$BATS_TEST_TMPDIR/root/work"
  run chroot --userspec=65532:65532 "$BATS_TEST_TMPDIR/root" /azwi-policy test /work
  [ "$status" -eq 0 ]
  [[ "$output" == *", 0 failed"* ]]
}

@test "the image is the same, whenever it is made" {
  run --separate-stderr release/image.sh "$DIST" "oci:$BATS_TEST_TMPDIR/one:test" "$ARCHITECTURE"
  one=$output
  touch annotated-policy.wasm
  run --separate-stderr release/image.sh "$DIST" "oci:$BATS_TEST_TMPDIR/two:test" "$ARCHITECTURE"
  [[ "$output" == sha256:* ]]
  [ "$output" = "$one" ]
}

@test "an image needs its archive" {
  fails "error: expected $BATS_TEST_TMPDIR/$ARCHIVE, found none; help: release/archives.sh" \
    release/image.sh "$BATS_TEST_TMPDIR" "oci:$BATS_TEST_TMPDIR/image:test" "$ARCHITECTURE"
  fails 'error: expected an architecture of Linux in release/targets, found "s390x"' \
    release/image.sh "$BATS_TEST_TMPDIR" "oci:$BATS_TEST_TMPDIR/image:test" s390x
}

@test "cargo install puts the module inside" {
  # With the target, what is compiled already is not compiled again.
  env "CC_${TARGET//-/_}=musl-gcc" cargo install --locked --quiet --path cli --profile program --target "$TARGET" \
    --target-dir "${CARGO_TARGET_DIR:-target}" --root "$BATS_TEST_TMPDIR/root"
  cp -R examples/quick-start "$BATS_TEST_TMPDIR"
  cd "$BATS_TEST_TMPDIR"
  run root/bin/azwi-policy test quick-start
  [ "$status" -eq 0 ]
}

@test "a release build without the module fails, and says what to do" {
  mkdir -p "$BATS_TEST_TMPDIR/clone/cli"
  rustc --edition 2024 -o "$BATS_TEST_TMPDIR/build" cli/build.rs
  export CARGO_MANIFEST_DIR=$BATS_TEST_TMPDIR/clone/cli PROFILE=release
  error="cargo::error=expected the policy's module in annotated-policy.wasm, found none; help: make annotated-policy.wasm, or make install"
  CARGO_FEATURE_NATIVE=1 run "$BATS_TEST_TMPDIR/build"
  [ "${lines[-1]}" = "$error" ]
  # A page in a browser needs none, nor does a build for tests.
  run "$BATS_TEST_TMPDIR/build"
  [[ "$output" != *cargo::error* ]]
  CARGO_FEATURE_NATIVE=1 PROFILE=debug run "$BATS_TEST_TMPDIR/build"
  [[ "$output" != *cargo::error* ]]
  touch "$BATS_TEST_TMPDIR/clone/annotated-policy.wasm"
  CARGO_FEATURE_NATIVE=1 run "$BATS_TEST_TMPDIR/build"
  [[ "$output" == *cargo::rustc-cfg=has_module* && "$output" != *cargo::error* ]]
}
