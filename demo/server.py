"""A real server of the demo, a process of its own: HTTP and HTTPS, or SMTP's greeting.

Standard library only, so that the servers share no code with what checks and
balances them.  Commands come as lines on standard input (``change PATH``,
``restore PATH``); its end is ours, so that no server outlives the demo.

    python -m demo.server NAME ADDRESS http=PORT [https=PORT,CERTIFICATE] [smtp=PORT]
"""

from __future__ import annotations

import socketserver
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

changed: set[str] = set()


class Page(BaseHTTPRequestHandler):
    """Every path has a page, which differs from server to server; Server: tells which one this is."""

    server_name = ""

    def do_GET(self) -> None:
        body = f"<html><title>{self.server_name}</title>the page {self.path} of {self.server_name}</html>\n"
        if self.path in changed:
            body = "<html>PHP Warning: mysqli_connect(): Connection refused</html>\n"
        content = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def version_string(self) -> str:
        return self.server_name

    def log_message(self, format: str, *args: object) -> None:
        pass


class Greeting(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes to say who answers."""

    server_name = ""
    timeout = 5

    def handle(self) -> None:
        try:
            self.wfile.write(f"220 {self.server_name} ESMTP\r\n".encode())
            while self.rfile.readline(1000)[:4].upper() not in (b"QUIT", b""):
                self.wfile.write(b"250 ok\r\n")
            self.wfile.write(b"221 bye\r\n")
        except OSError:
            pass  # a check that connects and leaves


class WebServer(ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients and checks may leave when they like


class TLSWebServer(WebServer):
    """Shakes hands in the connection's own thread, so that a silent peer holds up nobody."""

    def __init__(self, address: tuple[str, int], handler: type[Page], certificate: str) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(5)
        with self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


def main(name: str, address: str, *listeners: str) -> None:
    Page.server_name = Greeting.server_name = name
    servers: list[socketserver.BaseServer] = []
    for listener in listeners:
        kind, _, rest = listener.partition("=")
        port, _, certificate = rest.partition(",")
        where = (address, int(port))
        if kind == "http":
            servers.append(WebServer(where, Page))
        elif kind == "https":
            servers.append(TLSWebServer(where, Page, certificate))
        else:
            servers.append(MailServer(where, Greeting))
    for server in servers:
        Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    for line in sys.stdin:
        command, path = line.split()
        (changed.add if command == "change" else changed.discard)(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
