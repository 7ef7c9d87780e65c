"""The QMP client against a server that answers as each test wants, and against QEMU."""

import json
import socket
import struct
import threading
import time
import unittest

import support  # noqa: F401  (sets the import path)
from machine import Machine, MachineConfig
from qmp import QmpClient, QmpClosed, QmpError, QmpProtocolError, QmpTimeout
from reactor import Reactor

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 22}}, "capabilities": []}}


class FakeServer:
    """Greets, then gives every command to handler(server, message) on a thread of its own, until
    one returns False.

    Over TCP: only there a test can reset a connection, which is what QEMU's exit does to its unix
    sockets.
    """

    def __init__(self, handler) -> None:
        self._handler = handler
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname())
            self.socket = listener.accept()[0]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def send(self, message: dict) -> None:
        self.socket.sendall(json.dumps(message).encode() + b"\r\n")

    def reply(self, message: dict, value) -> None:
        self.send({"return": value, "id": message["id"]})

    def make_end_a_reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def join(self) -> None:
        self._thread.join()

    def _serve(self) -> None:
        with self.socket, self.socket.makefile("rb") as lines:
            self.send(GREETING)
            try:
                for line in lines:
                    message = json.loads(line)
                    if message["execute"] == "qmp_capabilities":
                        self.reply(message, {})
                    elif self._handler(self, message) is False:
                        return
            except ConnectionError:
                pass  # the client left first


class FakeServerTest(unittest.TestCase):

    def connect(self, handler) -> QmpClient:
        server = FakeServer(handler)
        reactor = Reactor()
        client = QmpClient(reactor, server.client)
        self.addCleanup(server.join)
        self.addCleanup(reactor.close)
        self.addCleanup(client.close)
        client.negotiate(10)
        return client

    def test_reply_is_matched_by_id(self):
        def handler(server, message):
            server.send({"return": "someone else's", "id": "other"})
            server.reply(message, {"arguments": message["arguments"]})

        client = self.connect(handler)
        self.assertEqual(client.execute("c", {"x": 1}), {"arguments": {"x": 1}})

    def test_events_are_kept_in_order_while_a_command_runs(self):
        def handler(server, message):
            for n in range(3):
                server.send({"event": "STEP", "data": {"n": n}, "timestamp": {}})
            server.reply(message, {})

        client = self.connect(handler)
        client.execute("c")
        self.assertEqual(client.wait_event("STEP", 1, lambda data: data["n"] == 1)["data"]["n"], 1)
        self.assertEqual(client.wait_event("STEP", 1)["data"]["n"], 0)
        self.assertEqual(client.wait_event("STEP", 1)["data"]["n"], 2)

    def test_error_reply(self):
        def handler(server, message):
            server.send({"error": {"class": "DeviceNotFound", "desc": "no such disk"},
                         "id": message["id"]})

        with self.assertRaises(QmpError) as caught:
            self.connect(handler).execute("eject")
        self.assertEqual(caught.exception.error_class, "DeviceNotFound")
        self.assertIn("QMP eject: no such disk", str(caught.exception))

    def test_late_reply_is_dropped(self):
        held = []

        def handler(server, message):
            if message["execute"] == "slow":
                held.append(message)
            else:
                server.reply(held.pop(), "late")
                server.reply(message, "in time")

        client = self.connect(handler)
        with self.assertRaises(QmpTimeout):
            client.execute("slow", timeout_s=0.05)
        self.assertEqual(client.execute("fast"), "in time")

    def test_peer_dies_while_a_command_is_pending(self):
        def reset(server, message):
            server.make_end_a_reset()
            return False

        for end in (reset, lambda server, message: False):
            client = self.connect(end)
            begin = time.monotonic()
            with self.assertRaises(QmpClosed):
                client.execute("c", timeout_s=60)
            self.assertLess(time.monotonic() - begin, 30)
            with self.assertRaises(QmpClosed):
                client.execute("again")

    def test_reply_before_death_counts(self):
        def handler(server, message):
            server.reply(message, "bye")
            return False

        self.assertEqual(self.connect(handler).execute("quit"), "bye")

    def test_long_line(self):
        long = "x" * 1_000_000
        client = self.connect(lambda server, message: server.reply(message, long))
        self.assertEqual(client.execute("c"), long)

    def test_nonsense(self):
        for line in (b"hello\n", b"[1]\n", b"{}\n", b'{"error": {"class": "c", "desc": "d"}}\n'):
            client = self.connect(lambda server, message: server.socket.sendall(line))
            with self.assertRaises(QmpProtocolError):
                client.execute("c")


class QemuTest(unittest.TestCase):

    def test_commands_events_and_end(self):
        with Machine(MachineConfig(extra=("-S",))) as machine:
            self.assertEqual(machine.qmp.execute("query-status")["status"], "prelaunch")
            self.assertGreater(len(machine.qmp.execute("query-qmp-schema")), 500)
            with self.assertRaises(QmpError):
                machine.qmp.execute("no-such-command")
            machine.qmp.execute("cont")
            machine.qmp.wait_event("RESUME", 10)
            machine.qmp.execute("quit")
            self.assertEqual(machine.wait_end(10), 0)
            with self.assertRaises(QmpClosed):
                machine.qmp.execute("query-status")


if __name__ == "__main__":
    unittest.main()
