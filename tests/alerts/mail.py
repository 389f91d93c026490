"""A mail server (aiosmtpd) on 127.0.0.1:PORT that wants a login: MODE PORT FOLDER CERTIFICATE KEY.

`tls` has TLS from the first byte, `starttls` wants STARTTLS before a login, `plain` has no TLS at all and takes mails without a login too.
Mails go to the Maildir FOLDER/mails; the commands that it hears, a line each, to FOLDER/heard. A login that it refuses it repeats. It takes
nothing for later@… now, and nothing for never@… at all.
"""

import asyncio
import os
import ssl
import sys

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

mode, port, folder, certificate, key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


class Server(SMTP):
    def hear(self, command):
        with open(os.path.join(folder, "heard"), "a") as heard:
            heard.write(command + "\n")

    async def smtp_EHLO(self, arg):
        self.hear("EHLO")
        await super().smtp_EHLO(arg)

    async def smtp_STARTTLS(self, arg):
        self.hear("STARTTLS")
        await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg):
        self.hear("AUTH")
        await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg):
        self.hear("MAIL")
        await super().smtp_MAIL(arg)


class Mails(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("later@"):
            return "451 4.7.1 greylisted"
        if address.startswith("never@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    if data == LoginPassword(b"pxe", b"hush:word"):
        return AuthResult(success=True)
    return AuthResult(success=False, handled=False, message=f"535 5.7.8 {data.password.decode()} is wrong")


async def main():
    def session():
        words = {"authenticator": authenticate, "auth_require_tls": mode == "starttls", "auth_required": mode != "plain"}
        if mode == "starttls":
            words |= {"tls_context": context, "require_starttls": True}
        return Server(Mails(os.path.join(folder, "mails")), **words)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", int(port), ssl=context if mode == "tls" else None)
    await server.serve_forever()


asyncio.run(main())
