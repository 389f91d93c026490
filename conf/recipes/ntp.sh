# title: The time from the network
# about: systemd-timesyncd asks the servers of NTP; a machine with a file `ntp` in its folder asks those that stand there.
# needs: apt-get systemctl
# variables: NTP=0.debian.pool.ntp.org 1.debian.pool.ntp.org

wanted() { printf '# Written by the recipe ntp.\n[Time]\nNTP=%s\n' "$PXE_NTP"; }
file=/etc/systemd/timesyncd.conf.d/recipe.conf

check() {
    dpkg-query -W -f '${db:Status-Status}\n' systemd-timesyncd | grep -qx installed
    [ "$(cat "$file")" = "$(wanted)" ]
    systemctl is-enabled --quiet systemd-timesyncd
}

apply() {
    if ! dpkg-query -W -f '${db:Status-Status}\n' systemd-timesyncd 2> /dev/null | grep -qx installed; then
        apt-get -q update
        apt-get -q -y install systemd-timesyncd
    fi
    mkdir -p "${file%/*}"
    wanted > "$file"
    systemctl enable systemd-timesyncd
    # A container or an image that is being made runs none.
    if [ -d /run/systemd/system ]; then systemctl restart systemd-timesyncd; fi
}

verify() { [ ! -d /run/systemd/system ] || systemctl is-active --quiet systemd-timesyncd; }
