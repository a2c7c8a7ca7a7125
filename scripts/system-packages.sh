#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sees to it that the Debian packages of a list are there. With a word: build (to build Caisson) or test (to run every
# test). As root on a system with apt-get what is missing is installed; otherwise it is named and the script ends with 1.
set -eu

build='gcc make libc6-dev musl-tools libzstd-dev libisal-dev libssl-dev'
test="$build qemu-system-x86 cpio kmod e2fsprogs btrfs-progs xfsprogs busybox-static mmdebstrap skopeo podman buildah curl crun umoci nats-server strace libarchive-tools clang libclang-rt-14-dev procps util-linux iproute2 nftables python3 docker-registry apache2-utils openssl chromium"

case "${1-}" in
  build) wanted=$build ;;
  test) wanted=$test ;;
  *) echo "usage: $0 build|test" >&2; exit 2 ;;
esac

command -v dpkg-query >/dev/null 2>&1 || {
  echo "caisson: this is not a Debian system: make sure that these are installed: $wanted" >&2
  exit 0
}

missing=''
for package in $wanted; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "caisson: these Debian packages are missing:$missing" >&2
  echo "caisson: install them as root: apt-get install$missing" >&2
  exit 1
fi
echo "caisson: installing$missing" >&2
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "caisson: could not install$missing" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
