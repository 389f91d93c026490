# A segment of a bench's own: a network namespace with a bridge `br0` that has 10.77.0.1, and a folder. For benches to source. At
# the end all is gone, also each process whose number stands in `started`.
#
#   space, work                the namespace's name; the folder
#   inside WORD...             runs a command there
#   end_started                ends what was started so far
#   a_host ADDRESS/PREFIX MAC  puts a host on the bridge, and the bridge into a segment of that prefix
#   on_host WORD...            runs a command on that host

[[ $(id -u) -eq 0 ]] || { echo "${0##*/}: only root can make a network namespace" >&2; exit 1; }

space=pxelator-bench-$$
host=$space-host
started=()
work=$(mktemp -d)
# Ends what this script started, by number.
end_started() {
    local pid
    for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done
    for pid in "${started[@]}"; do wait "$pid" 2> /dev/null || true; done
    started=()
}
clean_up() {
    local name
    end_started
    for name in "$space" "$host"; do ip netns delete "$name" 2> /dev/null || true; done
    rm -rf "$work"
}
trap clean_up EXIT
inside() { ip netns exec "$space" "$@"; }

ip netns add "$space"
inside ip link set lo up
inside ip link add br0 type bridge forward_delay 0 mcast_snooping 0
inside ip address add 10.77.0.1/24 broadcast + dev br0
inside ip link set br0 up

a_host() {
    ip netns add "$host"
    ip -n "$host" link set lo up
    ip -n "$host" link add eth0 address "$2" type veth peer name host netns "$space"
    ip -n "$host" address add "$1" dev eth0
    ip -n "$host" link set eth0 up
    inside ip link set host master br0 up
    inside ip address flush dev br0
    inside ip address add "10.77.0.1/${1#*/}" broadcast + dev br0
}
on_host() { ip netns exec "$host" "$@"; }
