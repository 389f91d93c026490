#!/bin/bash
# A burst of syslog over UDP: rsyslog and PXElator in the same run on this machine.
#
# As many messages as are asked for are sent as fast as a sender can, and it is counted how many were stored and when the last was. rsyslog
# writes a line of parsed properties a message; PXElator stores each as an event that can be asked for, and is asked for some.
# rsyslog is told to take what it can: a large buffer of its socket and a queue for the whole burst.
#
#   benches/syslog.sh [target/release/pxelator]
#
# MESSAGES (200000), SENDERS (4) and RUNS (3) may be set. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."

pxelator=$(realpath "${1:-target/release/pxelator}")
[ -x "$pxelator" ] || { echo "there is no $pxelator: cargo build --release" >&2; exit 1; }
PATH=$PATH:/usr/sbin:/sbin
messages=${MESSAGES:-200000} senders=${SENDERS:-4} runs=${RUNS:-3}
for program in rsyslogd python3 ip; do
    command -v $program >/dev/null || { echo "$program is missing: apt-get install rsyslog python3 iproute2" >&2; exit 1; }
done
. benches/segment/segment.sh

# A machine on the bridge that logs; each sender has a part of the burst.
mac=52:54:00:77:00:60
a_host 10.77.0.60/24 $mac

cat > "$work/burst.py" <<'PYTHON'
import socket, sys
first, last = int(sys.argv[1]), int(sys.argv[2])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
out.connect(("10.77.0.1", 514))
for number in range(first, last):
    out.send(b"<%d>Nov 24 09:20:05 web1 app[%d]: message %d of a burst, as long as messages are: GET /index.html 200" % (
        8 * (number % 16) + number % 8, number % 30000 + 1, number))
PYTHON

burst() {
    local sender pids=()
    for sender in $(seq 0 $((senders - 1))); do
        on_host python3 "$work/burst.py" $((messages * sender / senders)) $((messages * (sender + 1) / senders)) &
        pids+=($!)
    done
    wait "${pids[@]}"
}

# Seconds since the burst began, with milliseconds.
now() { date +%s.%N; }
since() { awk "BEGIN { printf \"%.2f\", $(now) - $1 }"; }

# Waits until a count is that of the messages or stands still for some seconds; prints the count and when it was reached.
settled() {
    local begun=$1 count=0 before=-1 still=0 at
    at=$(since "$begun")
    while [ "$count" -lt "$messages" ] && [ $still -lt 50 ]; do
        sleep 0.1
        count=$(stored)
        if [ "$count" = "$before" ]; then still=$((still + 1)); else still=0 at=$(since "$begun"); fi
        before=$count
    done
    echo "$count $at"
}

# What the kernel dropped for want of room, of all sockets on the port.
dropped() { inside awk '$2 ~ /:0202$/ { sum += $NF } END { print sum + 0 }' /proc/net/udp; }

# Once a server answers for the first message, it listens.
listens() {
    for _ in $(seq 200); do
        inside awk '$2 ~ /:0202$/ { found = 1 } END { exit !found }' /proc/net/udp && return
        sleep 0.05
    done
    echo "$1 does not listen:" >&2
    tail -n 20 "$work/$1/log" >&2
    exit 1
}

rsyslog() {
    cat > "$work/rsyslog/conf" <<CONF
global(workDirectory="$work/rsyslog")
module(load="imudp" batchSize="128" threads="2")
template(name="parsed" type="list") {
    property(name="timereported" dateFormat="rfc3339") constant(value="\t") property(name="hostname") constant(value="\t")
    property(name="syslogfacility-text") constant(value="\t") property(name="syslogseverity-text") constant(value="\t")
    property(name="syslogtag") constant(value="\t") property(name="msg" droplastlf="on") constant(value="\n") }
ruleset(name="all" queue.type="FixedArray" queue.size="1000000" queue.dequeueBatchSize="4096") {
    action(type="omfile" file="$work/rsyslog/messages" template="parsed" ioBufferSize="64k") }
input(type="imudp" address="10.77.0.1" port="514" rcvbufSize="64m" ruleset="all")
CONF
    ip netns exec "$space" rsyslogd -n -f "$work/rsyslog/conf" -i "$work/rsyslog/pid" > "$work/rsyslog/log" 2>&1 &
    started+=($!)
    stored() { wc -l < "$work/rsyslog/messages" 2> /dev/null || echo 0; }
    find_one() { grep -c "message $1 of a burst" "$work/rsyslog/messages"; }
}

pxelator() {
    mkdir -p "$work/pxelator/conf/10.77.0.1/10.77.0.60" "$work/pxelator/tftpboot"
    echo "$mac" > "$work/pxelator/conf/10.77.0.1/10.77.0.60/mac"
    echo web1 > "$work/pxelator/conf/10.77.0.1/10.77.0.60/hostname"
    (cd "$work/pxelator" && exec ip netns exec "$space" "$pxelator" run --headless) > "$work/pxelator/log" 2>&1 &
    started+=($!)
    ask() { (cd "$work/pxelator" && "$pxelator" log "$@"); }
    stored() { ask --sql "select count(*) from event where kind = 'syslog.received'" --json 2> /dev/null | grep -o '[0-9]*' | tail -n 1 || echo 0; }
    find_one() { ask "service=syslog \"message $1 of a burst\"" --json | grep -c "message $1 of a burst"; }
}

printf '%d messages over UDP by %d senders, %s processors, %s, %s, stored on %s\n' "$messages" "$senders" "$(nproc)" "$(uname -r)" \
    "$(rsyslogd -v | head -n 1 | cut -d' ' -f1-3)" "$(stat -f -c %T "$work")"
printf '%-12s %10s %10s %12s %14s %12s %10s\n' '' sent/s stored lost 'stored after s' messages/s 'kernel lost'
failed=
for server in rsyslog pxelator; do
    for run in $(seq "$runs"); do
        rm -rf "${work:?}/$server"
        mkdir -p "$work/$server"
        $server
        listens $server
        begun=$(now)
        burst
        sent=$(since "$begun")
        read -r count after < <(settled "$begun")
        lost=$((messages - count))
        printf '%-12s %10.0f %10d %12d %14s %12.0f %10d\n' "$server" "$(awk "BEGIN { print $messages / $sent }")" "$count" "$lost" "$after" \
            "$(awk "BEGIN { print $count / $after }")" "$(dropped)"
        for number in 0 $((messages / 2)) $((messages - 1)); do
            [ "$(find_one $number)" = 1 ] || { echo "  $server: message $number is not found once"; [ $server = rsyslog ] || failed=yes; }
        done
        [ $server = rsyslog ] || [ $lost = 0 ] || failed=yes
        [ $server = rsyslog ] || grep -h 'events.dropped\|dropped' "$work/pxelator/log" | tail -n 3 || true
        end_started
    done
done
[ -z "$failed" ] || { echo "PXElator lost messages"; exit 1; }
