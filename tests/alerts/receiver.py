"""Takes HTTP requests on 127.0.0.1:PORT, and writes each that it answered to a file, a line of JSON each.

A file `hangs` beside it makes it take requests and never answer; a file `refuses` makes it answer 503.
"""

import http.server
import json
import os
import sys
import time

port, told = int(sys.argv[1]), sys.argv[2]
beside = os.path.dirname(told)


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def take(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if os.path.exists(os.path.join(beside, "hangs")):
            open(os.path.join(beside, "hung"), "a").write("x")
            time.sleep(600)
            return
        if os.path.exists(os.path.join(beside, "refuses")):
            self.answer(503, b"no room")
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        line = json.dumps({"method": self.command, "path": self.path, "headers": headers, "body": body})
        with open(told, "a") as out:
            out.write(line + "\n")
        self.answer(200, b"{}")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = take
    do_PUT = take

    def log_message(self, *words):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
