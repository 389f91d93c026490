# title: Logging in over ssh with keys only
# about: Takes passwords away from sshd, but only where root has a key already, so that nobody is locked out.
# needs: sshd
# files: /etc/ssh/sshd_config.d/10-keys-only.conf 0644 root:root

check() { sshd -T | grep -qx 'passwordauthentication no'; }

apply() {
    if ! [ -s /root/.ssh/authorized_keys ]; then
        echo "root has no key in /root/.ssh/authorized_keys: put one there first"
        rm -f /etc/ssh/sshd_config.d/10-keys-only.conf
        return 1
    fi
    sshd -t
    if [ -d /run/systemd/system ]; then systemctl reload ssh; elif [ -s /run/sshd.pid ]; then kill -HUP "$(cat /run/sshd.pid)"; fi
}

verify() { sshd -T | grep -qx 'passwordauthentication no'; }
