"""Asks the page of a program for what benches/http.sh wants to know: its overview, and how fast all who watch are told something.

    page.py MACHINES STREAMS PID
"""

import http.client
import selectors
import socket
import sys
import threading
import time

HOST = "10.77.0.1"
machines, streams, pid = (int(word) for word in sys.argv[1:4])


def used():
    """Seconds that the program had a processor."""
    with open(f"/proc/{pid}/stat") as stat:
        words = stat.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / 100


def log(text):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(f"<14>bench: {text}".encode(), (HOST, 514))


def overview(count, times, fresh):
    connection = http.client.HTTPConnection(HOST)
    for number in range(count):
        if fresh:
            # Something happens, so that nobody has it ready.
            log(f"message {number}")
            time.sleep(0.05)
        begin = time.perf_counter()
        connection.request("GET", "/pxelator")
        body = connection.getresponse().read()
        times.append(time.perf_counter() - begin)
        assert body.count(b'class="tile ') == machines, body.count(b'class="tile ')
    return len(body)


def median(times):
    return sorted(times)[len(times) // 2] * 1000


fresh, same = [], []
size = overview(20, fresh, True)
overview(50, same, False)
begin = time.perf_counter()
threads = [threading.Thread(target=overview, args=(50, [], False)) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
rate = 400 / (time.perf_counter() - begin)
print()
print(f"The overview of {machines} machines, {size // 1024} KiB: {median(fresh):.1f} ms after something happened, {median(same):.1f} ms else;")
print(f"{rate:.0f} a second for 8 browsers at once.")


def idle():
    """Percent of a core while nothing happens."""
    before = used()
    time.sleep(10)
    return (used() - before) * 10


# What was watched before is let go of.
time.sleep(2)
alone = idle()
all_of_them = selectors.DefaultSelector()
for _ in range(streams):
    stream = socket.create_connection((HOST, 80))
    stream.sendall(b"GET /pxelator/live?view=/pxelator/syslog HTTP/1.1\r\nHost: 10.77.0.1\r\n\r\n")
    all_of_them.register(stream, selectors.EVENT_READ)


def told(wanted):
    """Seconds until each was told this."""
    begin, times = time.perf_counter(), {}
    while len(times) < streams:
        for key, _ in all_of_them.select(10):
            got = key.fileobj.recv(1 << 20)
            assert got, "a stream ended"
            if wanted in got and key.fd not in times:
                times[key.fd] = time.perf_counter() - begin
    return sorted(times.values())


told(b'"parts"')
watched = idle()
firsts, lasts = [], []
for number in range(10):
    log(f"all hear this {number}")
    times = told(f"all hear this {number}".encode())
    firsts.append(times[0])
    lasts.append(times[-1])
    time.sleep(0.5)
print(f"{streams} browsers that watch: {watched:.1f} % of a core while nothing happens ({alone:.1f} % without them); a message is with the first after")
print(f"{median(firsts):.0f} ms and with the last {median(lasts) - median(firsts):.0f} ms later (medians of 10).")
