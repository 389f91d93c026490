#!/usr/bin/env bash
# A machine's root over NFS, served by this program and by nfs-ganesha (its VFS module, version 3), one after the other in
# pairs: Linux's own client in a virtual machine writes a large file, reads it back, and unpacks small files. Prints the median
# of each in seconds. `./dev bench nfs` builds and installs what this needs.
#
#   benches/nfs.sh [PAIRS [MEGABYTES [FILES]]]   3 pairs, 256 MB, 10,000 files unless given
#   PROGRAM=FILE                                 another build of this program
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

pairs=${1:-3}
megabytes=${2:-256}
files=${3:-10000}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
program=$(realpath -m "${PROGRAM:-$target/release/pxelator}")
PATH=$PATH:/usr/sbin:/sbin
for needed in "$program" "$(command -v ganesha.nfsd || true)" "$(command -v rpcbind || true)"; do
    [[ -x $needed ]] || { echo "nfs.sh: ${needed:-nfs-ganesha or rpcbind} is not there; call ./dev bench nfs" >&2; exit 1; }
done

. benches/segment/segment.sh
inside ip tuntap add tap0 mode tap
inside ip link set tap0 master br0 up
tests/images/client/make "$target/client"

# The base: a script that measures, and what it unpacks.
base=$work/roots/bench
mkdir -p "$base" "$work/small" "$work/tftpboot" "$work/conf/boot/bench" "$work/conf/10.77.0.1/10.77.0.60" "$work/log"
for n in $(seq "$files"); do
    mkdir -p "$work/small/$((n % 100))"
    head -c $((n % 4000)) /dev/zero > "$work/small/$((n % 100))/file$n"
done
tar -C "$work/small" -cf "$base/small.tar" .
rm -rf "$work/small"
cat > "$base/measure" << MEASURE
now() { cut -d ' ' -f 1 /proc/uptime; }
took() { echo "BENCH \$1 \$(echo "\$2 \$(now)" | awk '{ print \$2 - \$1 }')"; }
forget() { sync; echo 3 > /proc/sys/vm/drop_caches; }
cat small.tar > /tmp/small.tar
begin=\$(now)
dd if=/dev/zero of=large bs=1M count=$megabytes conv=fsync 2> /dev/null
took write \$begin
forget
begin=\$(now)
dd if=large of=/dev/null bs=1M 2> /dev/null
took read \$begin
rm large
mkdir small
forget
begin=\$(now)
tar -xf /tmp/small.tar -C small
sync
took tar \$begin
[ "\$(find small -type f | wc -l)" = $files ]
MEASURE
echo 52:54:00:77:00:60 > "$work/conf/10.77.0.1/10.77.0.60/mac"
echo bench > "$work/conf/10.77.0.1/10.77.0.60/boot"
echo vmlinuz > "$work/conf/boot/bench/kernel"
echo bench > "$work/conf/boot/bench/root"

accelerated=(-accel tcg)
# Some hosts have a /dev/kvm that opens and then cannot run a machine.
if [[ -w /dev/kvm ]] && grep -qwE "vmx|svm" /proc/cpuinfo; then accelerated=(-accel kvm); fi

# Waits until something listens on TCP port 2049 in the namespace.
listens() {
    for _ in $(seq 600); do
        [[ -z $(inside ss -Hltn 'sport = :2049') ]] || return 0
        sleep 0.1
    done
    echo "nfs.sh: $1 does not listen; it says:" >&2
    tail -n 20 "$work/said" >&2
    exit 1
}

# Boots the machine on what is served at path $2 with options $3; adds `$1 what seconds` to the results.
measure() {
    listens "$1"
    : > "$work/console"
    timeout 3000 ip netns exec "$space" qemu-system-x86_64 -nodefaults -display none -no-reboot -m 768 "${accelerated[@]}" -cpu max \
        -kernel "$target/client/vmlinuz" -initrd "$target/client/initrd.img" \
        -append "console=ttyS0 quiet panic=-1 no_timer_check client.address=10.77.0.60 client.server=10.77.0.1 client.path=$2 client.options=$3 client.run=measure" \
        -serial "file:$work/console" -netdev tap,id=n,ifname=tap0,script=no,downscript=no \
        -device virtio-net-pci,netdev=n,mac=52:54:00:77:00:60 -device virtio-rng-pci
    grep -q '^CLIENT-DONE 0' "$work/console" || { cat "$work/console" >&2; echo "nfs.sh: $1 failed" >&2; exit 1; }
    tr -d '\r' < "$work/console" | awk -v who="$1" '/^BENCH/ { print who, $2, $3 }' | tee -a "$work/results" >&2
}

# Ends the server that runs, and waits for it.
end() {
    kill "$1" 2> /dev/null || true
    wait "$1" 2> /dev/null || true
}

pxelator() {
    rm -rf "$work/overlay" "$work"/journal*
    ip netns exec "$space" "$program" run --headless --json --conf "$work/conf" --tftpboot "$work/tftpboot" \
        --journal "$work/journal.sqlite" --run-dir "$work/run" --log-dir "$work/log" --roots "$work/roots" \
        --overlay "$work/overlay" > "$work/said" 2>&1 &
    local server=$!
    started+=("$server")
    measure pxelator / port=2049,mountport=2049
    grep -o '"by":"[^"]*"' "$work/said" | sort -u >&2 || true
    end "$server"
}

# It has no overlay: it serves a plain copy of the base, which spares it some work.
ganesha() {
    rm -rf "$work/g"
    mkdir -p "$work/g"
    cp -a "$base" "$work/g/root"
    cat > "$work/g/conf" << GANESHA
NFS_CORE_PARAM { Protocols = 3; NFS_Port = 2049; MNT_Port = 20048; Enable_NLM = false; Enable_RQUOTA = false; Bind_addr = 10.77.0.1; }
EXPORT { Export_Id = 1; Path = $work/g/root; Pseudo = /bench; Protocols = 3; Access_Type = RW; Squash = No_Root_Squash;
    SecType = sys; Transports = TCP; FSAL { Name = VFS; } }
LOG { Default_Log_Level = WARN; }
GANESHA
    # With mounts and processes of its own: rpcbind keeps files in /run, and ends with it.
    ip netns exec "$space" unshare --mount --pid --fork --kill-child --mount-proc sh -c "
        mount -t tmpfs tmpfs /run && mkdir -p /run/rpcbind /run/ganesha && rpcbind -w
        exec ganesha.nfsd -F -f $work/g/conf -L $work/said -p /run/ganesha/pid -N NIV_EVENT" > "$work/said.sh" 2>&1 &
    local server=$!
    started+=("$server")
    measure ganesha "$work/g/root" port=2049,mountport=20048
    kill -9 "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
}

: > "$work/results"
for pair in $(seq "$pairs"); do
    echo "nfs.sh: pair $pair of $pairs" >&2
    if ((pair % 2)); then pxelator; ganesha; else ganesha; pxelator; fi
done

median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
echo "| | pxelator | nfs-ganesha |"
echo "| --- | --- | --- |"
for what in write read tar; do
    case $what in
        write | read) name="$what of $megabytes MB" ;;
        tar) name="\`tar x\` of $files files" ;;
    esac
    of() { awk -v who="$1" -v what="$what" '$1 == who && $2 == what { print $3 }' "$work/results" | median; }
    echo "| $name | $(of pxelator) s | $(of ganesha) s |"
done
