#!/usr/bin/env bash
# A program's results with its data on a simulated device, and streamed to it, are the same.
#
#   streamed.sh MODE SIMULATOR PROGRAM
set -euo pipefail

mode=$1 simulator=$2 program=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "streamed.sh: $*"
  cat "$folder/err"
  exit 1
}
on_device() {
  env CUDASIM_LEAKS=1 "$simulator" --async "$mode" -- "$program" "$@" --device cuda --json 2>"$folder/err"
}
number() { sed -n "s/.*\"$1\":\([^,}]*\)[,}].*/\1/p" <<<"$2"; }
near() { awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; exit !(a != "" && d * d <= t * t * b * b) }'; }

# compare TOLERANCE KEYS COMMAND...: the keys of both results, and what is said on standard error.
compare() {
  local tolerance=$1 keys=$2 resident streamed key
  shift 2
  resident=$(on_device "$@") || fail "$* ends with $?"
  if grep -q 'chunks a pass' "$folder/err"; then fail "$* streams what fits"; fi
  streamed=$(on_device "$@" --device-memory 4K) || fail "$* ends with $?, streamed"
  grep -q '^randnla: .* MB of rows stay on the host and go to the device in [0-9]* chunks a pass$' "$folder/err" ||
    fail "$* does not say that it streams"
  if grep 'leak: ' "$folder/err" | grep -qv ' of 1 bytes '; then fail "$* leaks"; fi
  for key in $keys; do
    near "$(number "$key" "$streamed")" "$(number "$key" "$resident")" "$tolerance" ||
      fail "$*: $key is $(number "$key" "$streamed") streamed, want $(number "$key" "$resident")"
  done
}

awk 'BEGIN { srand(3); for (i = 0; i < 300; ++i) { for (j = 0; j < 6; ++j) printf "%.6f,", rand() - 0.5; print i % 2 } }' \
  >"$folder/A.csv"
for method in tr arc lbfgs; do
  compare 1e-8 "loss" train --data "$folder/A.csv" --loss logistic --l2 0.1 --method $method --max-iterations 20 --quiet
done
compare 1e-8 "loss" train --data synthetic --rows 200 --cols 5 --loss logistic --l2 0.1 --hessian row-norm \
  --hessian-fraction 0.3 --quiet
for method in cholesky qr approx; do
  compare 1e-9 "sum coherence rank" leverage --matrix "$folder/A.csv" --method $method
done
for method in auto qr fossils sketch-and-precondition; do
  compare 1e-9 "residual_norm solution_norm rank" lstsq --matrix "$folder/A.csv" --rhs targets --method $method
done
compare 0 "sketch_frobenius_norm" sketch --matrix "$folder/A.csv" --rows 30 --out "$folder/SA.npy"

# Without the option as much as there is: a device of 6 MB has no room for 4.8 MB.
awk 'BEGIN { srand(4); for (i = 0; i < 3000; ++i) { for (j = 0; j < 200; ++j) printf "%.3f,", rand() - 0.5; print 0 } }' \
  >"$folder/B.csv"
on_device sketch --matrix "$folder/B.csv" --rows 400 --out "$folder/large.npy" >/dev/null
if grep -q 'chunks a pass' "$folder/err"; then fail "a large device streams what fits"; fi
CUDASIM_MEMORY=6M on_device sketch --matrix "$folder/B.csv" --rows 400 --out "$folder/small.npy" >/dev/null ||
  fail "a small device ends with $?"
grep -q 'chunks a pass' "$folder/err" || fail "a small device does not stream"
cmp "$folder/large.npy" "$folder/small.npy" || fail "a small device has another sketch"

code=0
on_device sketch --matrix "$folder/A.csv" --rows 30 --out "$folder/none.npy" --device-memory 90 || code=$?
[ "$code" = 2 ] && grep -qx 'randnla: StreamedRows: row 0 has 48 bytes, a chunk no more than 45' "$folder/err" ||
  fail "a row that does not fit ends with $code"
