"""Clients that post prepared requests, in a process of their own: they share no interpreter with a server.

`python -m benchmarks.load PORT CLIENTS < requests` reads one JSON object per line
({"path", "headers", "body"}), lets the clients go together over persistent connections, and prints
{"seconds", "latencies", "statuses"}.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What many requests took: seconds in all, latencies in seconds, how many answers of each status."""

    seconds: float
    latencies: list[float]
    statuses: dict[str, int]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


def post_all(port: int, requests: list[dict], *, clients: int) -> Load:
    """Post the requests with so many clients at once and return what it took."""
    command = [sys.executable, "-m", "benchmarks.load", str(port), str(clients)]
    lines = "\n".join(json.dumps(request) for request in requests)
    done = subprocess.run(command, input=lines, check=True, stdout=subprocess.PIPE, text=True)
    return Load(**json.loads(done.stdout))


def main() -> None:
    port, clients = int(sys.argv[1]), int(sys.argv[2])
    requests = [_bytes(json.loads(line)) for line in sys.stdin if line.strip()]
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    gate = threading.Barrier(clients + 1)

    def client(mine: list[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            gate.wait()
            for request in mine:
                started = time.perf_counter()
                connection.sendall(request)
                status = _read(connection)
                latencies.append(time.perf_counter() - started)
                statuses[status] += 1

    threads = [threading.Thread(target=client, args=[requests[place::clients]]) for place in range(clients)]
    for thread in threads:
        thread.start()
    gate.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "latencies": latencies, "statuses": statuses}))


def _bytes(request: dict) -> bytes:
    body = request["body"].encode()
    headers = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": len(body)}
    lines = [f"POST {request['path']} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in (headers | request["headers"]).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _read(connection: socket.socket) -> str:
    """Read one answer to its end and return its status."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    if lengths:
        length = int(lengths[0].partition(b":")[2])
        while len(body) < length:
            body += _more(connection)
    else:  # In chunks, the last of which is empty.
        while not body.endswith(b"0\r\n\r\n"):
            body += _more(connection)
    return head.split(b" ", 2)[1].decode()


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionError("The server closed the connection.")
    return received


if __name__ == "__main__":
    main()
