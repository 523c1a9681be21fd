#!/bin/sh
# Builds libapi_1_0.so, a plugin library of API 1.0, which every later host of major version 1 must load.
#
# The library that is kept is the first one that was released; it is built again only if API 1.0 itself was wrong. Run
# this in a checkout whose plugin-api has version 1.0.
set -eu
cd "$(dirname "$0")"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' ../../../plugin-api/Cargo.toml)
case $version in
    1.0.*) ;;
    *) echo "plugin-api here is $version, and this takes 1.0: check out an older revision" >&2; exit 1 ;;
esac
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
cp ../../../Cargo.lock Cargo.lock
root=$(cd ../../.. && pwd)
RUSTFLAGS="--remap-path-prefix=$root=patchbay --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
    cargo build --release --target-dir "$target"
rm Cargo.lock
cp "$target/release/libapi_1_0.so" .
