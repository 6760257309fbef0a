"""The kernel's process connector: what its bytes say, and what is done where it cannot be had."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.kernel.messages import NLMSG_DONE, MalformedError, Message, split
from kaltwisted.kernel.netlink_socket import NetlinkSocket
from kaltwisted.kernel.process_events import Processes
from kaltwisted.kernel.process_messages import Answer, listening, parse
from kaltwisted.ports import (
    IProcesses,
    Process,
    ProcessChanged,
    ProcessesUnknown,
    ProcessEvent,
    ProcessForked,
    ProcessGone,
)
from kaltwisted.testing.netlink import FakeNetlinkSocket, ReaderClock, message
from kaltwisted.testing.processes import FakeProcesses

FORK, EXEC, COMM, EXIT = 1, 2, 0x200, 0x80000000
GROUP = (0, 1)
PIDS = st.integers(1, 4_194_304)


def told(what: int, *numbers: int, ack: int = 0, channel: int = 1) -> bytes:
    """An event as the kernel sends it."""
    event = struct.pack("=IIQ24s", what, 0, 1, struct.pack(f"={len(numbers)}i", *numbers))
    return message(NLMSG_DONE, 0, struct.pack("=IIIIHH", channel, 1, 0, ack, len(event), 0) + event)


def parsed(data: bytes) -> ProcessEvent | Answer | None:
    [one] = split(data)
    return parse(one)


class MessagesTests(SynchronousTestCase):
    def test_as_a_kernel_has_sent_them(self) -> None:
        """Linux 6.18, of a shell that runs a command."""
        for data, event in {
            "4c00000003000000eda20100000000000100000001000000eda2010001000000280000000000000001000000"
            "e9d862bc4f140000000000000000000000000000000000000000000000000000": Answer(0, 0),
            "4c00000003000000eea20100000000000100000001000000eea2010000000000280000000100000001000000"
            "feea63bc4f140000a3220000a3220000a4220000a42200000000000000000000": ProcessForked(8867, 8868),
            "4c00000003000000779e0100000000000100000001000000779e010000000000280000000200000000000000"
            "ebfa68bc4f140000a4220000a422000000000000000000000000000000000000": ProcessChanged(8868),
            "4c00000003000000789e0100000000000100000001000000789e010000000000280000000000008000000000"
            "603e73bc4f140000a4220000a42200000000000011000000a3220000a3220000": ProcessGone(8868),
        }.items():
            self.assertEqual(parsed(bytes.fromhex(data)), event)

    @given(PIDS, PIDS)
    def test_of_threads_nothing_is_told(self, pid: int, other: int) -> None:
        thread = pid + other
        for what in (EXIT, COMM):
            self.assertIsNone(parsed(told(what, thread, pid)))
        self.assertIsNone(parsed(told(FORK, other, other, thread, pid)))
        self.assertEqual(parsed(told(EXIT, pid, pid)), ProcessGone(pid))
        self.assertEqual(parsed(told(COMM, pid, pid)), ProcessChanged(pid))
        # The thread that runs another program is the process from then on.
        self.assertEqual(parsed(told(EXEC, thread, pid)), ProcessChanged(pid))
        self.assertEqual(parsed(told(FORK, other, other, pid, pid)), ProcessForked(other, pid))

    def test_what_does_not_concern_us(self) -> None:
        self.assertIsNone(parsed(told(0x40, 1, 1)))
        self.assertIsNone(parsed(told(EXIT, 1, 1, channel=9)))

    @given(st.sampled_from([FORK, EXEC, COMM, EXIT, 0]), st.integers(0, 51))
    def test_what_is_cut_off_is_an_error_or_all_there(self, what: int, size: int) -> None:
        payload = told(what, 7, 7, 8, 8)[16 : 16 + size]
        needed = 36 + {FORK: 16, 0: 4}.get(what, 8)
        if size < needed:
            self.assertRaises(MalformedError, parsed, message(NLMSG_DONE, 0, payload))
        else:
            self.assertIsNotNone(parsed(message(NLMSG_DONE, 0, payload)))

    @given(st.binary(max_size=80))
    def test_any_bytes(self, payload: bytes) -> None:
        try:
            parsed(message(NLMSG_DONE, 0, payload))
        except MalformedError:
            pass


class ProcessesTests(SynchronousTestCase):
    answers = True
    refusal = 0

    def setUp(self) -> None:
        self.clock = ReaderClock()
        self.sockets: list[FakeNetlinkSocket] = []
        self.heard: list[ProcessEvent] = []
        self.processes = Processes(self.clock, self.connect)

    def connect(self, key: int) -> NetlinkSocket:
        opened = FakeNetlinkSocket()
        if self.answers:
            opened.inbox.append((told(0, 0, ack=key + 99), GROUP))
            opened.inbox.append((told(0, self.refusal, ack=key + 1), GROUP))
        self.sockets.append(opened)
        return opened

    def start(self) -> list[str]:
        with capturedLogs() as logs:
            self.processes.start(self.heard.append)
            self.clock.spin(3)
            self.clock.advance(1)
        return [str(each.get("why")) for each in logs]

    def test_it_provides_what_it_says(self) -> None:
        verifyObject(IProcesses, self.processes)
        verifyObject(IProcesses, FakeProcesses())

    def test_events_are_told_as_they_come(self) -> None:
        self.assertEqual(self.start(), [])
        self.sockets[0].inbox += [(told(EXEC, 7, 7), GROUP), (told(EXIT, 7, 7), GROUP)]
        self.clock.turn()
        self.assertEqual(self.heard, [ProcessesUnknown(), ProcessChanged(7), ProcessGone(7)])
        self.processes.stop()
        self.assertTrue(self.sockets[0].closed)
        self.assertEqual((self.clock.getDelayedCalls(), self.clock.readers), ([], []))

    def test_what_is_lost_is_told(self) -> None:
        self.start()
        self.sockets[0].inbox.append(OSError(errno.ENOBUFS, "No buffer space"))
        self.clock.turn()
        self.assertEqual(self.heard, [ProcessesUnknown()] * 2)
        self.sockets[1].inbox.append((told(EXIT, 7, 7), GROUP))
        self.clock.turn()
        self.assertEqual(self.heard[2:], [ProcessGone(7)])
        self.processes.stop()

    def polls(self, why: str, seconds: int) -> None:
        self.assertEqual(self.start(), [why])
        self.heard.clear()
        self.clock.pump([1] * seconds)
        self.assertEqual(self.heard, [ProcessesUnknown()] * seconds)
        self.processes.stop()
        self.assertEqual((self.clock.getDelayedCalls(), self.clock.readers), ([], []))
        self.assertEqual(self.start(), [])  # said already
        self.processes.stop()

    def test_without_permission_it_polls(self) -> None:
        def refuse(key: int) -> NetlinkSocket:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        self.processes = Processes(self.clock, refuse)
        self.polls("Operation not permitted", 3)

    def test_without_an_answer_it_polls(self) -> None:
        self.answers = False
        self.polls("the kernel does not answer", 2)

    def test_what_cannot_be_had_again_is_polled(self) -> None:
        self.start()

        def refuse(key: int) -> NetlinkSocket:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        self.processes._connect = refuse
        self.sockets[0].inbox.append(OSError(errno.ENOBUFS, "No buffer space"))
        with capturedLogs() as logs:
            self.clock.spin(3)
        self.assertEqual([event.get("why") for event in logs], ["Operation not permitted"])
        self.heard.clear()
        self.clock.pump([1] * 2)
        self.assertEqual(self.heard, [ProcessesUnknown()] * 2)
        self.processes.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_refused_it_polls(self) -> None:
        self.refusal = errno.EINVAL
        self.polls(os.strerror(errno.EINVAL), 2)

    def test_what_proc_says(self) -> None:
        [here] = [pid for pid in self.processes.pids() if pid == os.getpid()]
        found = self.processes.look(here, command=True)
        assert found is not None
        self.assertEqual(found.command[0], Path("/proc/self/cmdline").read_text().split("\0")[0])
        self.assertEqual(self.processes.look(here, command=False), Process(found.name))
        self.assertEqual(found.name, Path("/proc/self/comm").read_text().rstrip("\n"))
        with subprocess.Popen([sys.executable, "-c", ""]) as gone:
            os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
            self.assertIn(gone.pid, self.processes.pids())
            self.assertIsNone(self.processes.look(gone.pid, command=False))
        self.assertIsNone(self.processes.look(gone.pid, command=True))
        with TemporaryDirectory() as empty:
            missing = Processes(self.clock, self.connect, Path(empty) / "proc")
            self.assertEqual(missing.pids(), frozenset())

    def test_a_name_may_have_brackets(self) -> None:
        with TemporaryDirectory() as directory:
            place = Path(directory) / "7"
            place.mkdir()
            processes = Processes(self.clock, self.connect, Path(directory))
            for text, found in {"7 (a) S (b) S 1 2": Process("a) S (b"), "7 (a) Z 1": None, "": None}.items():
                (place / "stat").write_text(text)
                self.assertEqual(processes.look(7, command=False), found)
            (place / "stat").write_text("7 (a) S 1")
            (place / "cmdline").write_bytes(b"/bin/a\0-x\0\0")
            self.assertEqual(processes.look(7, command=True), Process("a", ("/bin/a", "-x", "")))
            self.assertEqual(processes.pids(), {7})

    def test_the_request_is_a_message(self) -> None:
        [asked] = split(listening(5, listen=True))
        self.assertEqual(asked.type, NLMSG_DONE)
        self.assertIsInstance(asked, Message)
        self.assertEqual(struct.unpack_from("=IIIIHHI", asked.data, 16), (1, 1, 0, 5, 4, 0, 1))
