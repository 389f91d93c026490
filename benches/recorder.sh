#!/usr/bin/env bash
# What the boot recorder costs: how long a machine takes from power-on to the last line of the practice guest, and how much of a
# core the program uses until then, with `record` 10 and `off`, in pairs whose order changes. `./dev bench recorder` builds
# what this needs.
#
#   benches/recorder.sh [PAIRS]   pairs of boots, 10 unless given
#   FIRMWARE=uefi                 instead of bios
#   PROGRAM=FILE                  another build of it
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pairs=${1:-10}
firmware=${FIRMWARE:-bios}
program=$(realpath -m "${PROGRAM:-${CARGO_TARGET_DIR:-target}/release/pxelator}")
mac=52:54:00:77:00:60

[[ -x $program ]] || { echo "recorder.sh: $program is not there; call ./dev bench recorder" >&2; exit 1; }

. benches/segment/segment.sh
inside ip tuntap add tap0 mode tap
inside ip link set tap0 master br0 up

tftpboot=$work/tftpboot
mkdir -p "$tftpboot/practice" "$work/conf/10.77.0.1/10.77.0.60"
tftpboot/loaders "$tftpboot"
cp tftpboot/practice/{vmlinuz,initrd.img,welcome} "$tftpboot/practice/"
cp -r conf/boot "$work/conf/boot"
echo practice > "$work/conf/10.77.0.1/boot"
echo "$mac" > "$work/conf/10.77.0.1/10.77.0.60/mac"
echo bench > "$work/conf/10.77.0.1/10.77.0.60/hostname"

# Seconds of a core that a process used so far.
used() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f\n", ($14 + $15) / hz }' "/proc/$1/stat"; }

# Boots the machine once with this value of `record`; prints the seconds it took and those of a core.
boot() {
    rm -rf "$work"/journal* "$work/log"
    mkdir "$work/log"
    echo "$1" > "$work/conf/10.77.0.1/record"
    ip netns exec "$space" "$program" run --headless --json --conf "$work/conf" --tftpboot "$tftpboot" --journal "$work/journal.sqlite" \
        --run-dir "$work/run" --log-dir "$work/log" 2> "$work/events" &
    local server=$! wanted
    started+=("$server")
    # `ip netns exec` becomes the program, so that its number is the same.
    for wanted in dhcp tftp http dns $([[ $1 == off ]] || echo boot); do
        for _ in $(seq 400); do
            grep -q "\"service\":\"$wanted\".*\"kind\":\"service.started\"" "$work/events" && continue 2
            sleep 0.05
        done
        echo "recorder.sh: $wanted does not start" >&2
        tail -n 5 "$work/events" >&2
        exit 1
    done
    local machine=(-device "virtio-net-pci,netdev=n,mac=$mac,bootindex=1")
    if [[ $firmware == uefi ]]; then
        cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars.fd"
        machine=(-device "virtio-net-pci,netdev=n,mac=$mac,bootindex=1,romfile="
            -drive "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
            -drive "if=pflash,format=raw,file=$work/vars.fd")
    fi
    : > "$work/console"
    local before began=${EPOCHREALTIME/./} ended qemu
    before=$(used "$server")
    ip netns exec "$space" qemu-system-x86_64 -machine q35,accel=tcg -nodefaults -display none -vga none -m 256 -device virtio-rng-pci \
        -serial "file:$work/console" -netdev tap,id=n,ifname=tap0,script=no,downscript=no "${machine[@]}" 2> "$work/qemu" &
    qemu=$!
    started+=("$qemu")
    if ! timeout 240 grep -q -m 1 '^PRACTICE-\(UP\|FAILED\)' < <(exec tail -n +1 -f --pid=$qemu "$work/console"); then
        echo "recorder.sh: it did not come up within 240 s; its console ends:" >&2
        tail -n 5 "$work/console" "$work/qemu" >&2
        exit 1
    fi
    ended=${EPOCHREALTIME/./}
    grep -q '^PRACTICE-UP' "$work/console" || { tail -n 3 "$work/console" >&2; exit 1; }
    awk -v us=$((ended - began)) -v before="$before" -v after="$(used "$server")" \
        'BEGIN { printf "%.2f %.2f\n", us / 1000000, after - before }'
    kill "$qemu"
    # The recording is closed with the program.
    kill "$server"
    wait "$server" "$qemu" 2> /dev/null || true
    local files
    files=$(find "$work/log" -name 'boot-*.pcapng' 2> /dev/null | wc -l)
    [[ $files -eq $([[ $1 == off ]] && echo 0 || echo 1) ]] || { echo "recorder.sh: $files recordings with record $1" >&2; exit 1; }
}

declare -A seconds cores
for pair in $(seq "$pairs"); do
    order=(10 off)
    if ((pair % 2 == 0)); then order=(off 10); fi
    for record in "${order[@]}"; do
        boot "$record" > "$work/took"
        started=()
        read -r took core < "$work/took"
        seconds[$record]+="$took "
        cores[$record]+="$core "
        echo "pair $pair, record $record: $took s, $core s of a core, load $(cut -d ' ' -f 1 /proc/loadavg)" >&2
    done
done

median() { tr ' ' '\n' | grep . | sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'; }
ratios=$(paste -d ' ' <(tr ' ' '\n' <<< "${seconds[10]}" | grep .) <(tr ' ' '\n' <<< "${seconds[off]}" | grep .) | awk '{ printf "%.4f ", $1 / $2 }')
echo "Power-on to the guest's last line, $firmware, $pairs pairs, $(uname -m) emulated, $(nproc) cores"
echo
echo "| record | median s | least s | program's s of a core |"
echo "| --- | --- | --- | --- |"
for record in off 10; do
    least=$(tr ' ' '\n' <<< "${seconds[$record]}" | grep . | sort -n | head -n 1)
    echo "| $record | $(median <<< "${seconds[$record]}") | $least | $(median <<< "${cores[$record]}") |"
done
echo
echo "Of the medians 10 is $(awk -v a="$(median <<< "${seconds[10]}")" -v b="$(median <<< "${seconds[off]}")" 'BEGIN { printf "%.3f", a / b }') of off; the median of the pairs' ratios is $(median <<< "$ratios")."
