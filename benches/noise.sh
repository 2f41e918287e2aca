#!/bin/bash
# Shows what comparisons find on this machine: nothing where nothing has changed, and a lock that is held a
# fifth longer with seven runs a side. Takes two or three minutes per trial.
#
#   benches/noise.sh [TRIALS]      of either kind, 3 unless told otherwise
#
# PGREHEARSE is the program, its release build unless told otherwise, with arguments for every run:
# PGREHEARSE='pgrehearse --provider local'.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trials=${1:-3}
[ -n "${PGREHEARSE:-}" ] || cargo build --release --quiet
read -ra program <<<"${PGREHEARSE:-target/release/pgrehearse}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Compares a scenario with `hold` in seven runs a side; the comparison is then in $out. A comparison that
# got worse ends with 1, which is no failure here.
compare() {
    local status=0
    "${program[0]}" run "benches/noise/$1" --against benches/noise/hold --runs 7 --out "$out" \
        "${program[@]:1}" >"$out/text" 2>"$out/talk" || status=$?
    if [ "$status" -gt 1 ]; then
        cat "$out/talk" >&2
        exit "$status"
    fi
    comparison=$out/$1/comparison.json
}

# Figures of the comparison with this change.
count() { grep -c "\"change\": \"$1\"" "$comparison" || true; }

# What the comparison says of the lock's hold, the one figure that is a fifth greater by construction.
hold_changed() {
    awk -F'"' '$2 == "group" { lock = $4 ~ /^ShareRowExclusiveLock/ }
        $2 == "name" { hold = lock && $4 == "hold" }
        $2 == "change" && hold { print $4; exit }' "$comparison"
}

figures=0 different=0 found=0
for trial in $(seq "$trials"); do
    compare hold
    here=$(($(count worse) + $(count better)))
    different=$((different + here))
    figures=$((figures + $(grep -c '"change":' "$comparison")))
    echo "trial $trial, hold against itself: $here figures called different, $(count cannot_tell) undecided"
    compare hold-a-fifth-longer
    change=$(hold_changed)
    [ "$change" = worse ] && found=$((found + 1))
    echo "trial $trial, held a fifth longer: $change"
    grep -E '^ +hold ' "$out/text" | tail -1
done
echo "nothing changed: $different of $figures figures called different (at most 5 % may be)"
echo "held a fifth longer: found in $found of $trials trials"
[ $((different * 20)) -le "$figures" ] && [ "$found" -eq "$trials" ]
