"""Asks many AMT devices for their power by PyPI's client `amt`, in parallel threads; a line a round: seconds, and how many are on.

    poll.py PORT COUNT ROUNDS AT
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import amt.client


def client(port):
    made = amt.client.Client("127.0.0.1", "P@ssw0rd1")
    # It knows no other port than the usual one.
    made.uri = f"http://127.0.0.1:{port}/wsman"
    return made


port, count, rounds, at = map(int, sys.argv[1:5])
clients = [client(port + index) for index in range(count)]
with ThreadPoolExecutor(at) as threads:
    for _ in range(rounds):
        began = time.monotonic()
        states = list(threads.map(lambda one: one.power_status(), clients))
        print(f"{time.monotonic() - began:.3f} {states.count('2')}", flush=True)
