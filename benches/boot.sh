#!/usr/bin/env bash
# How long a machine takes from power-on to the last line of the practice guest: PXElator beside dnsmasq, in turns, the same
# machine, firmware, kernel and guest, each server started anew for each boot. `./dev bench boot` builds what this needs.
#
#   benches/boot.sh [BOOTS]    boots of each kind, 3 unless given
#   TRACE=DIR                  keeps a capture of each boot's packets there
#   SERVERS='pxelator' FIRMWARE='bios'   only these
#
# The dnsmasq kinds: `dnsmasq` as it comes (it pings an address before it offers it, and answers no router solicitation),
# and `dnsmasq+ra`, told not to ping and to answer solicitations.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

boots=${1:-3}
read -r -a servers <<< "${SERVERS:-dnsmasq dnsmasq+ra pxelator}"
read -r -a firmwares <<< "${FIRMWARE:-bios uefi}"
program=$(realpath -m "${CARGO_TARGET_DIR:-target}")/release/pxelator
mac=52:54:00:77:00:60

[[ -x $program ]] || { echo "boot.sh: $program is not there; call ./dev bench boot" >&2; exit 1; }

. benches/segment/segment.sh
# dnsmasq advertises only where there is a prefix.
inside ip address add fd00:77::1/64 dev br0 nodad
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

# Starts a server and waits until it takes requests.
serve() {
    case $1 in
        pxelator)
            rm -f "$work"/journal*
            ip netns exec "$space" "$program" run --headless --json --conf "$work/conf" --tftpboot "$tftpboot" --journal "$work/journal.sqlite" \
                --run-dir "$work/run" 2> "$work/events" &
            started+=($!)
            ;;
        dnsmasq*)
            # What PXElator makes for the machine, as a file.
            cat > "$tftpboot/boot.ipxe" << 'SCRIPT'
#!ipxe
kernel http://10.77.0.1/practice/vmlinuz console=ttyS0 guest=stay hostname=bench initrd=initrd0
initrd --name initrd0 http://10.77.0.1/practice/initrd.img
boot
SCRIPT
            local more=()
            [[ $1 == dnsmasq ]] || more=(--no-ping --enable-ra '--ra-param=br0,0,0' '--dhcp-range=fd00:77::,ra-only,64')
            rm -f "$work/leases"
            ip netns exec "$space" dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file --user=root --interface=br0 --bind-interfaces \
                --no-resolv --no-hosts --domain=lan --dhcp-authoritative --dhcp-leasefile="$work/leases" \
                --dhcp-range=10.77.0.100,10.77.0.200,1h --dhcp-host="$mac,10.77.0.60,bench" \
                --enable-tftp --tftp-root="$tftpboot" --dhcp-userclass=set:ipxe,iPXE \
                --dhcp-match=set:efi,option:client-arch,7 --dhcp-match=set:efi,option:client-arch,9 \
                --dhcp-boot=tag:ipxe,boot.ipxe --dhcp-boot=tag:!ipxe,tag:efi,ipxe.efi --dhcp-boot=tag:!ipxe,tag:!efi,undionly.kpxe \
                "${more[@]}" 2> "$work/dnsmasq" &
            started+=($!)
            ip netns exec "$space" busybox httpd -f -p 10.77.0.1:80 -h "$tftpboot" &
            started+=($!)
            ;;
    esac
    local port
    for port in udp:67 udp:69 tcp:80 udp:53; do
        for _ in $(seq 200); do
            inside ss -H -l -n "--${port%:*}" "sport = :${port#*:}" | grep -q . && continue 2
            sleep 0.05
        done
        echo "boot.sh: $1 does not listen on $port" >&2
        cat "$work"/dnsmasq "$work"/events >&2 2> /dev/null || true
        exit 1
    done
}

# Boots the machine once; prints the seconds it took.
boot() {
    local firmware=$1 machine=(-device "virtio-net-pci,netdev=n,mac=$mac,bootindex=1")
    if [[ $firmware == uefi ]]; then
        cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars.fd"
        machine=(-device "virtio-net-pci,netdev=n,mac=$mac,bootindex=1,romfile="
            -drive "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"
            -drive "if=pflash,format=raw,file=$work/vars.fd")
    fi
    : > "$work/console"
    local began=${EPOCHREALTIME/./} ended qemu
    ip netns exec "$space" qemu-system-x86_64 -machine q35,accel=tcg -nodefaults -display none -vga none -m 256 -device virtio-rng-pci \
        -serial "file:$work/console" -netdev tap,id=n,ifname=tap0,script=no,downscript=no "${machine[@]}" 2> "$work/qemu" &
    qemu=$!
    started+=("$qemu")
    if ! timeout 120 grep -q -m 1 '^PRACTICE-\(UP\|FAILED\)' < <(exec tail -n +1 -f --pid=$qemu "$work/console"); then
        echo "boot.sh: it did not come up within 120 s; its console ends:" >&2
        tail -n 5 "$work/console" "$work/qemu" >&2
        exit 1
    fi
    ended=${EPOCHREALTIME/./}
    grep -q '^PRACTICE-UP' "$work/console" || { tail -n 3 "$work/console" >&2; exit 1; }
    kill "$qemu"
    wait "$qemu" 2> /dev/null || true
    awk -v us=$((ended - began)) 'BEGIN { printf "%.1f\n", us / 1000000 }'
}

declare -A seconds
for round in $(seq "$boots"); do
    for firmware in "${firmwares[@]}"; do
        for server in "${servers[@]}"; do
            serve "$server"
            if [[ -n ${TRACE:-} ]]; then
                mkdir -p "$TRACE"
                ip netns exec "$space" tcpdump -U -i br0 -w "$TRACE/$server-$firmware-$round.pcap" 2> /dev/null &
                started+=($!)
                sleep 1
            fi
            boot "$firmware" > "$work/took"
            took=$(cat "$work/took")
            end_started
            seconds[$firmware $server]+="$took "
            echo "boot $round: $firmware, $server: $took s" >&2
        done
    done
done

median() { tr ' ' '\n' | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
echo "Power-on to the guest's last line, $boots boots each, $(uname -m) emulated, $(nproc) cores"
echo
echo "| firmware | server | seconds | median | of dnsmasq |"
echo "| --- | --- | --- | --- | --- |"
for firmware in "${firmwares[@]}"; do
    base=$(median <<< "${seconds[$firmware ${servers[0]}]}")
    for server in "${servers[@]}"; do
        all=${seconds[$firmware $server]}
        middle=$(median <<< "$all")
        echo "| $firmware | $server | ${all% } | $middle | $(awk -v a="$middle" -v b="$base" 'BEGIN { printf "%.2f", a / b }') |"
    done
done
