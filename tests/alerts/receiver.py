"""Takes HTTP requests on 127.0.0.1:PORT, and writes each that it took to a file, a line of JSON each.

Further words are a certificate and its key: it speaks TLS then. A file `hangs` beside it makes it take requests and never answer; a file
`answer` makes it answer what that says: a status, then a header a line.
"""

import http.server
import json
import os
import ssl
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
        try:
            with open(os.path.join(beside, "answer")) as answer:
                status, *headers = answer.read().splitlines()
                self.answer(int(status), b"no room", headers)
                return
        except FileNotFoundError:
            pass
        headers = {name.lower(): value for name, value in self.headers.items()}
        line = json.dumps({"method": self.command, "path": self.path, "headers": headers, "body": body})
        with open(told, "a") as out:
            out.write(line + "\n")
        self.answer(200, b"{}")

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for header in headers:
            self.send_header(*header.split(": ", 1))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = take
    do_PUT = take

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[3:])
    # Not as it accepts: who says nothing would keep all others waiting.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
