#!/usr/bin/env bash
# What asking AMT for power costs: many devices (stand-ins of the tests, each on a port of its own) asked in rounds by the program's
# client, and the same by PyPI's client `amt` in parallel threads; then how much of a core the running program uses with 200 such
# machines, beside the same without `power`. `./dev bench power` builds what this needs.
#
#   benches/power.sh [DEVICES [ROUNDS]]   500 devices, 5 rounds unless given; the first round has neither nonces nor connections
#   AT=32                                 so many at the same time
#   SECONDS_OF_CORE=60                    how long the running program is watched; 0 for not at all
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

devices=${1:-500} rounds=${2:-5} at=${AT:-32} watched=${SECONDS_OF_CORE:-60}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
program=$target/release/pxelator power=$target/release/examples/power python=$target/amt-client/bin/python
port=21000 machines=200
# PyPI's client heeds a proxy of the environment.
export no_proxy='*'

for needed in "$program" "$power" "$python"; do
    [[ -x $needed ]] || { echo "power.sh: $needed is not there; call ./dev bench power" >&2; exit 1; }
done
# Listeners, connections and both ends of them.
ulimit -n "$(ulimit -Hn)"

. benches/segment/segment.sh

# Devices of this count, ready to be asked. They end with their stdin, which is this script's.
stand_in() {
    rm -f "$work"/{devices,hold}."$1"
    mkfifo "$work/devices.$1" "$work/hold.$1"
    # Not by `inside`, which would be a shell of its own with another number.
    ip netns exec "$space" "$power" devices "$port" "$1" < "$work/hold.$1" > "$work/devices.$1" &
    started+=($!)
    exec {hold}> "$work/hold.$1"
    read -r _ < "$work/devices.$1"
}

stand_in "$devices"
echo "$devices devices asked, $at at the same time; seconds a round (and how many are on):"
echo "  pxelator:"
inside "$power" poll "$port" "$devices" "$rounds" "$at" | sed 's/^/    /'
echo "  PyPI's amt:"
inside "$python" benches/power/poll.py "$port" "$devices" "$rounds" "$at" | sed 's/^/    /'
end_started

[[ $watched -gt 0 ]] || exit 0

# Ticks of a core that a process used so far.
used() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# Prints the share of a core that the program uses, with or without `power` of its machines.
share() {
    local conf=$work/conf.$1 index folder pid before after
    for ((index = 0; index < machines; index++)); do
        folder=$conf/10.77.0.1/10.77.0.$((index + 2))
        mkdir -p "$folder"
        printf '52:54:00:77:00:%02x\n' "$index" > "$folder/mac"
        [[ $1 == idle ]] || echo "amt 127.0.0.1:$((port + index))" > "$folder/power"
    done
    (umask 077 && echo 'admin:P@ssw0rd1' > "$conf/10.77.0.1/amt.secret")
    mkdir -p "$work/tftpboot"
    ip netns exec "$space" "$program" --conf "$conf" --tftpboot "$work/tftpboot" --journal "$work/journal.$1" --run-dir "$work/run" run --headless \
        > "$work/log.$1" 2>&1 &
    pid=$!
    started+=("$pid")
    # Each has been asked once by then.
    sleep 40
    before=$(used "$pid")
    sleep "$watched"
    after=$(used "$pid")
    awk -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" -v seconds="$watched" \
        -v told="$(grep -cE 'is (on|off) \(amt\)' "$work/log.$1")" \
        'BEGIN { printf "%.2f %% of a core; %d machines told whether they are on\n", 100 * ticks / hz / seconds, told }'
    kill "$pid"
    wait "$pid" || true
}

stand_in "$machines"
echo "the running program with $machines machines, over $watched s:"
echo "  asked by AMT:  $(share asked)"
echo "  without power: $(share idle)"
