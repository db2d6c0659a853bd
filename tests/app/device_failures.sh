#!/usr/bin/env bash
# Fails each of a program's first COUNT allocations or launches on a simulated device, one a run.
#
#   device_failures.sh alloc|launch COUNT SIMULATOR PROGRAM ARGS...
#
# Up to the last of them that the program makes (40 at least) it has to end with exit code 4 and name the source
# line, beyond it with 0; and whatever happens, without memory left on the device.
set -euo pipefail

# one N ...: prints the exit code that the run ended with, or what is wrong with it.
one() {
  local n=$1 kind=$2 simulator=$3 text code=0
  shift 3
  text=$(env CUDASIM_LEAKS=1 "CUDASIM_FAIL_${kind^^}=$n" "$simulator" -- "$@" 2>&1 >/dev/null) || code=$?
  # Of one byte: variables of the modules, which stay as long as the program.
  if grep 'leak: ' <<<"$text" | grep -qv ' of 1 bytes '; then
    echo "$n leaves memory on the device: $text"
  elif [ "$code" = 4 ] && ! grep -Eq '^randnla: .*\.(cu|cuh|hpp|cpp):[0-9]+: ' <<<"$text"; then
    echo "$n names no source line: $text"
  else
    echo "$n $code"
  fi
}
export -f one

kind=$1 count=$2
shift 2
results=$(seq "$count" | xargs -P "$(nproc)" -I N bash -c 'one "$@"' _ N "$kind" "$@" | sort -n)
made=$(grep -c ' 4$' <<<"$results" || true)
wrong=$(awk -v made="$made" '$0 != $1 (NR <= made ? " 4" : " 0")' <<<"$results")
echo "$made of $count failed"
if [ -n "$wrong" ] || [ "$made" -lt 40 ]; then
  echo "device_failures.sh: $kind: want exit code 4 of the first ones, 40 at least, and 0 of the others:"
  echo "$wrong"
  exit 1
fi
