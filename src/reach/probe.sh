# Prints what a machine is made of, and how much of it is in use. POSIX sh; a tool that is not there is no error.
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
has() { command -v "$1" > /dev/null 2>&1; }
value() { [ -n "$2" ] && printf '%s %s\n' "$1" "$2"; }
# Limits of a container; a machine has none at its root.
limit() { [ -r "/sys/fs/cgroup/$1" ] && grep -v max "/sys/fs/cgroup/$1" 2> /dev/null; }
meminfo() { awk -v name="$1:" '$1 == name { printf "%.0f\n", $2 * 1024 }' /proc/meminfo 2> /dev/null; }

cpus=$(getconf _NPROCESSORS_ONLN 2> /dev/null || grep -c '^processor' /proc/cpuinfo 2> /dev/null)
cpu_max=$(limit cpu.max | awk '$2 > 0 { n = int(($1 + $2 - 1) / $2); print n < 1 ? 1 : n }')
if [ -n "$cpu_max" ] && [ "$cpu_max" -lt "${cpus:-1}" ]; then cpus=$cpu_max; fi
memory=$(limit memory.max)
if [ -n "$memory" ]; then
    used=$(cat /sys/fs/cgroup/memory.current 2> /dev/null)
else
    memory=$(meminfo MemTotal)
    available=$(meminfo MemAvailable)
    [ -n "$memory" ] && used=$(awk -v all="$memory" -v free="${available:-0}" 'BEGIN { printf "%.0f\n", all - free }')
fi

echo '[system]'
value os "$( (. /etc/os-release && printf '%s' "$PRETTY_NAME") 2> /dev/null)"
value kernel "$(uname -r)"
value architecture "$(uname -m)"
value hostname "$(uname -n)"
value init "$(cat /proc/1/comm 2> /dev/null)"
value product "$(cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name 2> /dev/null | tr '\n' ' ' | sed 's/ *$//')"
[ -r /proc/device-tree/model ] && value product "$(tr -d '\000' < /proc/device-tree/model)"
value cpu "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2> /dev/null | head -n 1)"
value cpus "$cpus"
value memory "$memory"
# What a container sees of these is its machine's, or made anew each time.
if [ -z "$container" ]; then
    for disk in /sys/block/*; do
        name=${disk##*/}
        case $name in loop* | ram* | zram* | dm-* | md* | sr* | fd* | nbd*) continue ;; esac
        [ -r "$disk/size" ] || continue
        bytes=$(awk '{ printf "%.0f\n", $1 * 512 }' "$disk/size")
        model=$(cat "$disk/device/model" 2> /dev/null | sed 's/ *$//')
        [ "${bytes:-0}" = 0 ] || echo "disk $name $bytes${model:+ $model}"
    done
    for interface in /sys/class/net/*; do
        name=${interface##*/}
        case $name in lo | veth* | docker* | br-* | virbr* | vnet* | tap* | tun* | cni* | podman*) continue ;; esac
        value "interface $name" "$(cat "$interface/address" 2> /dev/null)"
    done
fi

echo '[packages]'
if has dpkg-query; then
    dpkg-query -W -f '${Status} ${Architecture} ${Package} ${Version}\n' 2> /dev/null |
        awk -v own="$(dpkg --print-architecture 2> /dev/null)" \
            '$3 == "installed" { print ($4 == own || $4 == "all" ? $5 : $5 ":" $4), $6 }'
elif has rpm; then
    rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\n' 2> /dev/null | grep -v '^gpg-pubkey '
elif has apk; then
    apk info -v 2> /dev/null | sed -n 's/^\(.*\)-\([^-]*-r[0-9]*\)$/\1 \2/p'
fi
echo '[manual]'
if has apt-mark; then
    apt-mark showmanual 2> /dev/null
elif [ -r /etc/apk/world ]; then
    cat /etc/apk/world
fi
echo '[services]'
# From the files, as they are without a running systemd too.
if has systemctl; then
    systemctl --root=/ list-unit-files --no-legend --no-pager --type=service,socket,timer,path,mount,target 2> /dev/null |
        awk '$2 == "masked" || ($2 == "enabled" && $3 != "enabled") || ($2 == "disabled" && $3 == "enabled") { print $1, $2 }'
elif [ -d /etc/runlevels ]; then
    for link in /etc/runlevels/*/*; do
        [ -e "$link" ] && echo "${link##*/} enabled"
    done
fi
echo '[conffiles]'
if has dpkg-query; then
    dpkg-query -W -f '${Conffiles}\n' 2> /dev/null |
        awk 'NF == 2 && length($2) == 32 && sub("^/", "", $1) { print $1, $2 }'
fi

echo '[measured]'
value cpus "$cpus"
value load "$(cut -d ' ' -f 1 /proc/loadavg 2> /dev/null)"
value memory "$memory"
value memory_used "$used"
df -Pk / 2> /dev/null | awk 'NR == 2 { printf "disk %.0f\ndisk_used %.0f\n", $2 * 1024, $3 * 1024 }'
value rsync "$(command -v rsync)"
exit 0
