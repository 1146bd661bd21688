"""Runs in the queue's container. `write`: streams with messages; `read`: a line for each stream
and message; `lose`: one stream is gone."""

import base64
import hashlib
import json
import socket
import sys
from typing import Any


class Queue:
    def __init__(self) -> None:
        self.stream = socket.create_connection(("127.0.0.1", 4222), 10).makefile("rwb")
        self.stream.readline()  # INFO
        self.send(b'CONNECT {"verbose": false}\r\nSUB answers 1\r\n')

    def send(self, words: bytes) -> None:
        self.stream.write(words)
        self.stream.flush()

    def ask(self, subject: str, body: bytes = b"") -> dict[str, Any]:
        self.send(f"PUB {subject} answers {len(body)}\r\n".encode() + body + b"\r\n")
        while True:
            line = self.stream.readline()
            if line.startswith(b"PING"):
                self.send(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                answer: dict[str, Any] = json.loads(self.stream.read(int(line.split()[-1]) + 2))
                if "error" in answer:
                    sys.exit(f"{subject}: {answer['error']}")
                return answer


def write(queue: Queue) -> None:
    for name in ("ORDERS", "LETTERS"):
        made = {"name": name, "subjects": [f"{name.lower()}.>"], "storage": "file", "retention": "limits"}
        queue.ask(f"$JS.API.STREAM.CREATE.{name}", json.dumps(made).encode())
        for number in range(50):
            queue.ask(f"{name.lower()}.new", f"{name} 第{number}号".encode())
        consumer = {"stream_name": name, "config": {"durable_name": "boat", "ack_policy": "explicit"}}
        queue.ask(f"$JS.API.CONSUMER.DURABLE.CREATE.{name}.boat", json.dumps(consumer).encode())


def read(queue: Queue) -> None:
    for name in queue.ask("$JS.API.STREAM.NAMES")["streams"]:
        state = queue.ask(f"$JS.API.STREAM.INFO.{name}")["state"]
        print(f"stream {name} = {state['messages']} messages, {state['consumer_count']} consumers")
        for number in range(state["first_seq"], state["last_seq"] + 1):
            found = queue.ask(f"$JS.API.STREAM.MSG.GET.{name}", json.dumps({"seq": number}).encode())["message"]
            data = base64.b64decode(found.get("data", ""))
            print(f"message {number} of {name} = {found['subject']} {hashlib.sha256(data).hexdigest()}")


def lose(queue: Queue) -> None:
    queue.ask("$JS.API.STREAM.DELETE.LETTERS")


{"write": write, "read": read, "lose": lose}[sys.argv[1]](Queue())
