#!/bin/bash
# DNS: dnsmasq and PXElator in the same run on this machine, asked by dnsperf for names of the segment and for some that are not.
#
# Both have the same thousand names. PXElator keeps each question in its journal; dnsmasq is measured without a log and with one.
#
#   benches/dns.sh [target/release/pxelator]
#
# SECONDS_A_RUN (5), RUNS (3) and RATE (1000: for how long an answer takes) may be set. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."

pxelator=$(realpath "${1:-target/release/pxelator}")
[ -x "$pxelator" ] || { echo "there is no $pxelator: cargo build --release" >&2; exit 1; }
PATH=$PATH:/usr/sbin:/sbin
each=${SECONDS_A_RUN:-5} runs=${RUNS:-3} rate=${RATE:-1000}
for program in dnsmasq dnsperf ip; do
    command -v $program >/dev/null || { echo "$program is missing: apt-get install dnsmasq-base dnsperf iproute2" >&2; exit 1; }
done
. benches/segment/segment.sh

mac=52:54:00:77:01:60
a_host 10.77.0.60/24 $mac

# The names: 200 machines of a /24, asked for by name and by address, and one question of ten for a name that is not.
mkdir -p "$work/conf/10.77.0.1" "$work/tftpboot"
echo bench.lan > "$work/conf/10.77.0.1/domain"
for last in $(seq 2 201); do
    folder=$work/conf/10.77.0.1/10.77.0.$last
    mkdir -p "$folder"
    if [ "$last" = 60 ]; then echo "$mac"; else printf '52:54:00:77:01:%02x\n' "$last"; fi > "$folder/mac"
    echo "m$last" > "$folder/hostname"
    echo off > "$folder/checks"
    echo "10.77.0.$last m$last.bench.lan" >> "$work/hosts"
    echo "m$last.bench.lan A" >> "$work/questions"
    [ $((last % 5)) != 0 ] || echo "$last.0.77.10.in-addr.arpa PTR" >> "$work/questions"
    [ $((last % 10)) != 0 ] || echo "none$last.bench.lan A" >> "$work/questions"
done

ask() { on_host dnsperf -s 10.77.0.1 -d "$work/questions" -l "$each" "$@" 2>&1; }

started_well() {
    for _ in $(seq 200); do
        [[ $(on_host dig +short +time=1 +tries=1 @10.77.0.1 m7.bench.lan 2> /dev/null) != 10.77.0.7 ]] || return 0
        sleep 0.1
    done
    echo "$1 does not answer:" >&2
    tail -n 20 "$work/$1.log" >&2
    exit 1
}

masq() {
    ip netns exec "$space" dnsmasq -k --no-resolv --no-hosts --addn-hosts="$work/hosts" --domain=bench.lan --local=/bench.lan/ --local=/in-addr.arpa/ \
        --interface=br0 --bind-interfaces --pid-file="$work/pid" --cache-size=10000 --dns-forward-max=1000 -u root "$@" > "$work/dnsmasq.log" 2>&1 &
    started+=($!)
}
dnsmasq() { masq; }
dnsmasq-log() { masq --log-queries --log-facility="$work/queries"; }
pxelator() {
    rm -f "$work/journal.sqlite"*
    (cd "$work" && exec ip netns exec "$space" "$pxelator" run --headless) > "$work/pxelator.log" 2>&1 &
    started+=($!)
}

printf '%s processors, %s, %s, %s s a run\n' "$(nproc)" "$(uname -r)" "$(/usr/sbin/dnsmasq -v | head -n 1 | cut -d' ' -f1-3)" "$each"
printf '%-12s %12s %10s %14s %14s %14s\n' '' answers/s lost "at $rate/s: ms" 'worst ms' 'lost'
declare -A best
for server in dnsmasq dnsmasq-log pxelator; do
    best[$server]=0
    for run in $(seq "$runs"); do
        $server
        started_well "${server%-log}"
        slow=$(ask -Q "$rate" -c 10)
        most=$(ask -c 20 -q 200)
        read -r answers lost < <(awk '/Queries per second/ { rate = $4 } /Queries lost/ { lost = $3 } END { printf "%.0f %d\n", rate, lost }' <<< "$most")
        read -r mean worst missed < <(awk '/Average Latency/ { mean = $4 * 1000; worst = $8 * 1000 } /Queries lost/ { lost = $3 }
            END { sub(/\)/, "", worst); printf "%.3f %.1f %d\n", mean, worst, lost }' <<< "$slow")
        printf '%-12s %12d %10d %14s %14s %14d\n' "$server" "$answers" "$lost" "$mean" "$worst" "$missed"
        [ "$answers" -le "${best[$server]}" ] || best[$server]=$answers
        [ $server != pxelator ] || grep -h 'dropped' "$work/pxelator.log" | tail -n 2 || true
        end_started
    done
done
awk "BEGIN { printf \"PXElator answers %.2f of what dnsmasq does, %.2f of what it does with a log\n\", \
    ${best[pxelator]} / ${best[dnsmasq]}, ${best[pxelator]} / ${best[dnsmasq-log]} }"
