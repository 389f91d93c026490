#!/usr/bin/env bash
# Boot files beside nginx, the page at 1,000 machines, and how fast 200 browsers that watch are told something. Clients and servers are on
# one host; a host on the segment fetches the files. `./dev bench http` builds and installs what this needs.
#
#   benches/http.sh [MEBIBYTES [CLIENTS [FILES [MACHINES [STREAMS]]]]]   64, 8, 2000, 1000 and 200 unless given
#   PROGRAM=FILE                                                         another build of this program
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mebibytes=${1:-64}
clients=${2:-8}
files=${3:-2000}
machines=${4:-1000}
streams=${5:-200}
rounds=3
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
program=$(realpath -m "${PROGRAM:-$target/release/pxelator}")
PATH=$PATH:/usr/sbin:/sbin
for needed in "$program" "$(command -v nginx || true)" "$(command -v curl || true)" "$(command -v python3 || true)"; do
    [[ -x $needed ]] || { echo "http.sh: ${needed:-nginx, curl or python3} is not there; call ./dev bench http" >&2; exit 1; }
done

. benches/segment/segment.sh
a_host 10.77.1.1/16 52:54:00:77:01:01

mkdir -p "$work/tftpboot/small" "$work/conf/10.77.0.1"
head -c "${mebibytes}M" /dev/urandom > "$work/tftpboot/large"
for n in $(seq "$files"); do head -c 4000 /dev/zero > "$work/tftpboot/small/$n"; done
echo 16 > "$work/conf/10.77.0.1/prefix"
for n in $(seq 0 $((machines - 1))); do
    # The first is the host that fetches: boot files are for machines of the segment.
    folder=$work/conf/10.77.0.1/10.77.$((n / 250 + 1)).$((n % 250 + 1))
    mkdir "$folder"
    printf '52:54:00:77:%02x:%02x\n' $((n / 250 + 1)) $((n % 250 + 1)) > "$folder/mac"
    echo "machine$n" > "$folder/hostname"
done
echo off > "$work/conf/10.77.0.1/checks"

cat > "$work/nginx.conf" << NGINX
worker_processes auto;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { worker_connections 512; }
http {
    access_log off;
    sendfile on;
    client_body_temp_path $work/n1; proxy_temp_path $work/n2; fastcgi_temp_path $work/n3; uwsgi_temp_path $work/n4; scgi_temp_path $work/n5;
    server { listen 10.77.0.1:8080; root $work/tftpboot; }
}
NGINX
chmod -R a+rX "$work"
inside nginx -c "$work/nginx.conf"
started+=("$(cat "$work/nginx.pid")")
(cd "$work" && exec ip netns exec "$space" "$program" run --headless --json > "$work/said" 2>&1) &
started+=($!)
for _ in $(seq 600); do
    ! on_host curl -sf -o /dev/null "http://10.77.0.1/small/1" || break
    sleep 0.1
done
on_host curl -sSf -o /dev/null "http://10.77.0.1/small/1"

now() { date +%s.%N; }
# Fetches with so many clients at the same time, each over one connection; prints the seconds.
fetch() {
    local port=$1 from=$2 pids=() begin n pid
    begin=$(now)
    for n in $(seq "$clients"); do
        case $from in
            large) on_host curl -sSf -o /dev/null "http://10.77.0.1:$port/large" & ;;
            small) on_host curl -sSf "http://10.77.0.1:$port/small/[$((1 + (n - 1) * files / clients))-$((n * files / clients))]" -o /dev/null & ;;
        esac
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    echo "$begin $(now)" | awk '{ print $2 - $1 }'
}
median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
for round in $(seq "$rounds"); do
    for what in large small; do
        # The one that comes first has no advantage of it.
        if ((round % 2)); then order="80 8080"; else order="8080 80"; fi
        for port in $order; do fetch "$port" "$what" >> "$work/took-$what-$port"; done
    done
done
rate() { median < "$work/took-$1-$2" | awk -v n="$3" '{ printf "%.0f", n / $1 }'; }
echo "| | PXElator | nginx |"
echo "| --- | --- | --- |"
echo "| $mebibytes MiB, $clients clients | $(rate large 80 $((mebibytes * clients))) MiB/s | $(rate large 8080 $((mebibytes * clients))) MiB/s |"
echo "| files of 4,000 bytes, $clients clients | $(rate small 80 "$files") a second | $(rate small 8080 "$files") a second |"

# The page is read on the host itself.
inside python3 benches/http/page.py "$machines" "$streams" "$(pgrep -P "${started[-1]}" pxelator || echo "${started[-1]}")"
