"""A Redfish service in front of a machine that a shell line switches: the emulator of sushy-tools, with a driver that runs it.

    service.py SETTINGS

SETTINGS is a JSON file: `listen`, `port`, `line` (the shell line, see tests/machine/machine), `uuid`, `name`, `mac`, `state` (a
folder), `auth` (a file of user:bcrypt, may be missing), `certificate` and `key` (may be missing), `others` (how many systems there
are beside it).
"""

import json
import subprocess
import sys

from sushy_tools import error
from sushy_tools.emulator import main
from sushy_tools.emulator.resources.systems import fakedriver


class Driver(fakedriver.FakeDriver):
    """Its machine is a process, and what is asked is done at once."""

    def run(self, *words):
        line = self._config["LINE"].split() + list(words)
        return subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def is_on(self):
        return self.run("state") == "1"

    def get_power_state(self, identity):
        if self._get(identity)["name"] != self._config["NAME"]:
            return "Off"
        return "On" if self.is_on() else "Off"

    def set_power_state(self, identity, state):
        verbs = {
            "On": "on",
            "ForceOn": "on",
            "ForceOff": "off",
            "GracefulShutdown": "soft",
            "GracefulRestart": "reset",
            "ForceRestart": "reset",
        }
        if state not in verbs:
            raise error.BadRequest(f"{state} is no reset type of this system")
        self.run(verbs[state])

    def set_boot_device(self, identity, boot_source):
        super().set_boot_device(identity, boot_source)
        self.run("boot", boot_source)


def settings(path):
    with open(path, encoding="utf-8") as file:
        read = json.load(file)
    systems = [{"uuid": read["uuid"], "name": read["name"], "power_state": "Off", "nics": [{"mac": read["mac"]}]}]
    for at in range(read.get("others", 0)):
        uuid = f"00000000-0000-4000-8000-{at:012}"
        systems.append({"uuid": uuid, "name": f"other{at}", "power_state": "Off", "nics": []})
    return {
        "LINE": read["line"],
        "NAME": read["name"],
        "SUSHY_EMULATOR_FAKE_DRIVER": True,
        "SUSHY_EMULATOR_FAKE_SYSTEMS": systems,
        "SUSHY_EMULATOR_STATE_DIR": read["state"],
        "SUSHY_EMULATOR_AUTH_FILE": read.get("auth"),
    }, read


if __name__ == "__main__":
    config, read = settings(sys.argv[1])
    fakedriver.FakeDriver = Driver
    main.app.configure(extra_config=config)
    tls = (read["certificate"], read["key"]) if read.get("certificate") else None
    main.app.run(host=read["listen"], port=read["port"], ssl_context=tls, threaded=True)
