#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fuzzes every native target for FUZZ_SECONDS (default 10) each. Without clang and its runtime it says so and succeeds.
set -eu
cd "$(dirname "$0")/.."

probe=$(mktemp)
trap 'rm -f "$probe"' EXIT
if ! echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { (void)d; (void)n; return 0; }' |
  ${CLANG:-clang} -fsanitize=fuzzer,address -x c -o "$probe" - >/dev/null 2>&1; then
  echo "fuzzing is skipped: it needs clang and its runtime (Debian: clang libclang-rt-14-dev)"
  exit 0
fi
for native in services/*/native; do
  grep -q '^fuzz:' "$native/Makefile" || continue
  make -j2 -C "$native" fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-10}"
done
