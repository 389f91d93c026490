#!/bin/bash
# DHCP under load: Kea (memfile) and PXElator in the same run on this machine, loaded by perfdhcp.
#
# Says for each the highest rate of four-way exchanges without a drop, and how long an answer takes at fixed rates.
# Both serve the same pool of a /16 to clients they have never seen, on a namespace's veth pair; both keep leases on disk.
#
#   benches/dhcp.sh [target/release/pxelator]
#
# SECONDS_A_RATE (5), LATENCY_RATES ("100 500 1000") and KEA_THREADS (true: faster than its default) may be set. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."

pxelator=$(realpath "${1:-target/release/pxelator}")
[ -x "$pxelator" ] || { echo "there is no $pxelator: cargo build --release" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "needs root: it makes network namespaces" >&2; exit 1; }
PATH=$PATH:/usr/sbin:/sbin
each=${SECONDS_A_RATE:-5}
latency_rates=${LATENCY_RATES:-"100 500 1000"}

missing=()
command -v perfdhcp >/dev/null || missing+=(kea-admin)
command -v kea-dhcp4 >/dev/null || missing+=(kea-dhcp4-server)
command -v ip >/dev/null || missing+=(iproute2)
if [ ${#missing[@]} -gt 0 ]; then
    # Debian's packages start their services; one that says 101 keeps them from it (policy-rc.d of Debian's policy, 9.3.3.1).
    policy=/usr/sbin/policy-rc.d
    own_policy=
    if [ ! -e $policy ]; then
        own_policy=$policy
        trap 'rm -f "$own_policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
    [ -z "$own_policy" ] || rm -f "$own_policy"
fi

folder=$(mktemp -d /var/tmp/pxelator-bench.XXXXXX)
server=pxb-s-$$ load=pxb-l-$$ pid=
finish() {
    stop
    ip netns del $server 2>/dev/null || true
    ip netns del $load 2>/dev/null || true
    rm -rf "$folder"
}
stop() {
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        pid=
    fi
}
trap finish EXIT

ip netns add $server
ip netns add $load
ip -n $server link add eth0 type veth peer name eth0 netns $load
for namespace in $server $load; do
    ip -n $namespace link set lo up
    ip -n $namespace link set eth0 up
done
ip -n $server addr add 10.88.0.1/16 brd + dev eth0
ip -n $load addr add 10.88.0.2/16 brd + dev eth0

# Each starts with no lease. It has started once one exchange goes through.
start() {
    rm -rf "${folder:?}/$1"
    mkdir -p "$folder/$1"
    "$1"
    for _ in $(seq 100); do
        if kill -0 "$pid" 2>/dev/null && [[ $(perf -r 10 -n 1 -W 200000 -b mac=02:ff:00:00:00:01) == *"received packets: 1"* ]]; then
            return
        fi
        sleep 0.1
    done
    echo "$1 does not answer:" >&2
    tail -n 20 "$folder/$1/log" >&2
    exit 1
}

perf() {
    # As a relay, which is how perfdhcp works: it has one address for all its clients.
    ip netns exec $load perfdhcp -4 -l eth0 "$@" 10.88.0.1 2>&1
}

kea() {
    cat >"$folder/kea/conf" <<JSON
{ "Dhcp4": {
    "interfaces-config": { "interfaces": ["eth0"], "dhcp-socket-type": "udp" },
    "lease-database": { "type": "memfile", "persist": true, "name": "$folder/kea/leases.csv", "lfc-interval": 0 },
    "multi-threading": { "enable-multi-threading": ${KEA_THREADS:-true}, "thread-pool-size": 2, "packet-queue-size": 256 },
    "valid-lifetime": 3600, "authoritative": true,
    "subnet4": [ { "subnet": "10.88.0.0/16", "interface": "eth0", "pools": [ { "pool": "10.88.1.0 - 10.88.254.255" } ] } ],
    "loggers": [ { "name": "kea-dhcp4", "severity": "ERROR", "output_options": [ { "output": "stdout" } ] } ]
} }
JSON
    KEA_PIDFILE_DIR=$folder/kea KEA_LOCKFILE_DIR=$folder/kea \
        ip netns exec $server kea-dhcp4 -c "$folder/kea/conf" >"$folder/kea/log" 2>&1 &
    pid=$!
}

pxelator() {
    mkdir -p "$folder/pxelator/conf/10.88.0.1" "$folder/pxelator/tftpboot"
    echo 16 >"$folder/pxelator/conf/10.88.0.1/prefix"
    echo 10.88.1.0-10.88.254.255 >"$folder/pxelator/conf/10.88.0.1/pool"
    (cd "$folder/pxelator" && exec ip netns exec $server "$pxelator" run --headless) >"$folder/pxelator/log" 2>&1 &
    pid=$!
}

# One run at a rate: "drops share_of_the_rate offer_ms ack_ms".
measure() {
    perf -r "$1" -R 60000 -p "$each" -W 1000000 | awk -v rate="$1" -v each="$each" '
        /^\*\*\*Statistics for: DISCOVER/ { at = "offer" }
        /^\*\*\*Statistics for: REQUEST/ { at = "ack" }
        /^sent packets:/ && at == "offer" { share = $3 / rate / each }
        /^drops:/ { drops += $2 }
        /^avg delay:/ { delay[at] = $3 }
        END { printf "%d %.3f %.3f %.3f\n", drops, share, delay["offer"], delay["ack"] }'
}

# The highest rate without a drop, by halves: between one that was taken in one of two tries and one that was not.
highest() {
    local low=0 high=0 before=0 rate=1000 drops share
    while before=$high; [ $high = 0 ] || [ $((high - low)) -gt $((low / 16)) ]; do
        high=$rate
        for _ in 1 2; do
            start "$1"
            read -r drops share _ < <(measure $rate)
            stop
            echo "  $1 at $rate/s: $drops drops, $share of the rate sent" >&2
            # Where less than the rate was sent the load is at its end, not the server.
            if [ "$drops" = 0 ] && awk "BEGIN { exit !($share >= 0.95) }"; then
                low=$rate high=$before
                break
            fi
        done
        if [ $high = 0 ]; then rate=$((rate * 2)); else rate=$(((low + high) / 2)); fi
        [ $rate -gt 50 ] || break
    done
    highest=$low
}

latency() {
    start "$1"
    for rate in $latency_rates; do
        measure "$rate"
    done >"$folder/latency.$1"
    stop
}

highest kea
kea_highest=$highest
highest pxelator
pxelator_highest=$highest
latency kea
latency pxelator
mapfile -t kea_latency <"$folder/latency.kea"
mapfile -t pxelator_latency <"$folder/latency.pxelator"

echo "DHCP, $each s a rate, $(nproc) processors, $(uname -r), Kea $(kea-dhcp4 -v), leases on $(stat -f -c %T "$folder")"
printf '%-34s %10s %10s %8s\n' '' Kea PXElator ratio
ratio() { awk "BEGIN { if ($2 > 0) printf \"%.2f\", $1 / $2; else print \"-\" }"; }
printf '%-34s %10s %10s %8s\n' 'exchanges a second without drops' "$kea_highest" "$pxelator_highest" \
    "$(ratio "$pxelator_highest" "$kea_highest")"
i=0
for rate in $latency_rates; do
    read -r kea_drops _ kea_offer kea_ack <<<"${kea_latency[$i]}"
    read -r drops _ offer ack <<<"${pxelator_latency[$i]}"
    printf '%-34s %10s %10s %8s\n' "offer after ms, at $rate/s" "$kea_offer" "$offer" "$(ratio "$offer" "$kea_offer")"
    printf '%-34s %10s %10s %8s\n' "acknowledged after ms, at $rate/s" "$kea_ack" "$ack" "$(ratio "$ack" "$kea_ack")"
    printf '%-34s %10s %10s\n' "drops at $rate/s" "$kea_drops" "$drops"
    i=$((i + 1))
done
[ "$pxelator_highest" -ge "$kea_highest" ] || { echo "PXElator takes less than Kea"; exit 1; }
