"""PyPI's client `amt` against a device: what it reads and does, a line each.

    client.py PORT USER PASSWORD
"""

import sys

import amt.client

port, user, password = sys.argv[1:4]
client = amt.client.Client("127.0.0.1", password, username=user)
# It knows no other port than the usual one.
client.uri = f"http://127.0.0.1:{port}/wsman"
print("state", client.power_status())
print("on", client.power_on())
print("state", client.power_status())
client.pxe_next_boot()
print("cycle", client.power_cycle())
print("off", client.power_off())
print("state", client.power_status())
