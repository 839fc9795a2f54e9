#!/usr/bin/env bash
# Builds azwi-policy for a target, with the policy's module inside, and checks it. The program is DIRECTORY/TARGET/azwi-policy.
source "$(dirname "$0")/common.sh"
[ $# -eq 2 ] || usage TARGET DIRECTORY
target=$1 directory=$2
row=$(rows "$target")
read -r _ _ system _ <<<"$row"
need cargo rustup

cd "$repository"
[ -f annotated-policy.wasm ] || fail "expected annotated-policy.wasm, found none; help: make annotated-policy.wasm"
rustup target list --installed | grep -qx "$target" || rustup target add "$target"
case $target in
  *-linux-musl)
    # The engine has a little C, and what is static has its libc inside.
    compiler=CC_${target//-/_}
    if [ -z "${!compiler:-}" ]; then
      [ "${target%%-*}" = "$(uname -m)" ] ||
        fail "expected a C compiler for $target in $compiler, found none; help: build on ${target%%-*}, where it is musl-gcc"
      need musl-gcc
      export "$compiler=musl-gcc"
    fi
    ;;
esac
cargo build --locked --profile program --package azwi-policy --target "$target"

program=$(program_for "$system")
mkdir -p "$directory/$target"
cp "${CARGO_TARGET_DIR:-target}/$target/program/$program" "$directory/$target/$program"
release/check.sh "$target" "$directory/$target/$program"
