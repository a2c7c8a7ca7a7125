#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is needed and passes all tests: formatting, types, the contract, the native checks, a bounded time of
# fuzzing, and every test file.
# Needs Node (18 or newer), npm, git and, for the parts that need it, root. Arguments choose test files by a part of
# their path.
set -eu
cd "$(dirname "$0")"
export TURBO_TELEMETRY_DISABLED=1 CI="${CI-}"

sh scripts/system-packages.sh test
npx -y pnpm@12.21.0 install --frozen-lockfile
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
npx -y pnpm@12.21.0 run compile
# The launcher has nothing left to do.
touch .caisson-built
if [ $# -eq 0 ]; then
  biome check .
  tsc --noEmit -p tsconfig.json
  node scripts/buf.ts
  for native in services/*/native; do make -j2 -C "$native" check; done
  sh scripts/fuzz.sh
fi
exec node scripts/test.ts "$@"
