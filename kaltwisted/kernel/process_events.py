"""Processes of this host as the kernel tells of them (its process connector), or as /proc lists them.

The connector needs CAP_NET_ADMIN, and the host's own network and process
namespaces.  Where it cannot be had, who watches is told once a second that
anything may have changed, and looks at /proc.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.kernel.messages import MalformedError, Message
from kaltwisted.kernel.netlink import Netlink, Reactor
from kaltwisted.kernel.netlink_socket import NetlinkSocket, OpenSocket, open_socket
from kaltwisted.kernel.process_messages import CN_IDX_PROC, NETLINK_CONNECTOR, Answer, listening, parse
from kaltwisted.ports import IProcesses, Process, ProcessesUnknown, ProcessEvent

POLL_S: Final = 1.0
#: The kernel answers while we still send; a namespace it does not speak to gets no answer at all.
_ANSWER_S: Final = 1.0
#: The most of a command line that is looked at.
_LONGEST_COMMAND: Final = 65_536

#: The states of a process that has ended (proc_pid_stat(5)), and of one whose file says nothing.
_ENDED: Final = (b"Z", b"X", b"")

# Every listener hears the answers to all of them.
_keys = count(os.getpid() << 8)


class _Listener:
    """A socket that listens until it is closed, and then says so: older kernels count who listens."""

    def __init__(self, opened: NetlinkSocket, key: int) -> None:
        self._socket = opened
        self._key = key
        self.fileno = opened.fileno
        self.send = opened.send
        self.recvfrom_into = opened.recvfrom_into

    def close(self) -> None:
        try:
            self._socket.send(listening(self._key, listen=False))
        except OSError:
            pass  # the kernel is told by the close itself
        self._socket.close()


def open_events(key: int, open_socket: OpenSocket = open_socket) -> NetlinkSocket:
    """A socket that hears of processes.

    :raises OSError: no permission, or no process connector here.
    """
    opened = open_socket(NETLINK_CONNECTOR, (CN_IDX_PROC,))
    try:
        opened.send(listening(key, listen=True))
    except BaseException:
        opened.close()
        raise
    return _Listener(opened, key)


@implementer(IProcesses)
class Processes:
    """The processes of this host.

    ``connect`` makes a listening socket, given the key of its answer.
    ``directory`` is /proc.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        connect: Callable[[int], NetlinkSocket] = open_events,
        directory: Path = Path("/proc"),
    ) -> None:
        self._reactor = reactor
        self._connect = connect
        self._directory = directory
        self._heard: Callable[[ProcessEvent], object] = _ignore
        self._key = 0
        self._said: str | None = None
        self._netlink: Netlink | None = None
        self._waiting: IDelayedCall | None = None

    # -- IProcesses ---------------------------------------------------------------------

    def start(self, heard: Callable[[ProcessEvent], object]) -> None:
        """Tell ``heard`` of every event from now on."""
        self.stop()
        self._heard = heard
        self._key = next(_keys) & 0xFFFFFFFF
        try:
            self._netlink = Netlink(
                self._reactor,
                self._listen,
                heard=self._told,
                lost=lambda: self._heard(ProcessesUnknown()),
            )
        except OSError as error:
            self._poll(os.strerror(error.errno or errno.EIO))
        else:
            self._waiting = self._reactor.callLater(
                _ANSWER_S, partial(self._not_answered, "the kernel does not answer")
            )
        self._heard(ProcessesUnknown())

    def stop(self) -> None:
        """Listen and poll no more."""
        self._heard = _ignore
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self._close()

    def pids(self) -> frozenset[int]:
        """The processes there are now; none where /proc cannot be read."""
        try:
            names = os.listdir(self._directory)  # noqa: PTH208 - names only
            return frozenset(int(name) for name in names if name.isdecimal())
        except OSError:
            return frozenset()

    def look(self, pid: int, *, command: bool) -> Process | None:
        """A process as it is now, with its command line if asked for.

        None: it is gone, or has ended and its parent has not asked for its status yet.
        """
        try:
            # proc_pid_stat(5): "7 (name) S ..."; a name may have brackets, too.
            head, _, rest = self._read(pid, "stat").rpartition(b") ")
            if rest[:1] in _ENDED:
                return None
            name = head.partition(b"(")[2]
            words = self._read(pid, "cmdline").split(b"\0")[:-1] if command else ()
        except OSError:
            return None
        return Process(os.fsdecode(name), tuple(map(os.fsdecode, words)))

    # -- what is told -------------------------------------------------------------------

    def _read(self, pid: int, name: str) -> bytes:
        with (self._directory / str(pid) / name).open("rb") as file:
            return file.read(_LONGEST_COMMAND)

    def _listen(self) -> NetlinkSocket:
        try:
            return self._connect(self._key)
        except OSError as error:
            if self._netlink is not None:  # it was there, and cannot be had again
                why = os.strerror(error.errno or errno.EIO)
                if self._waiting is not None:
                    self._waiting.cancel()
                self._waiting = self._reactor.callLater(0, partial(self._not_answered, why))
            raise

    def _told(self, message: Message) -> None:
        try:
            event = parse(message)
        except MalformedError as error:
            self._poll(str(error))
            return
        if isinstance(event, Answer):
            if event.key == self._key:
                self._answered(event.errno)
        elif event is not None:
            self._heard(event)

    def _answered(self, error: int) -> None:
        if error:
            self._poll(os.strerror(error))
        elif self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _not_answered(self, why: str) -> None:
        self._waiting = None
        self._poll(why)

    def _poll(self, why: str) -> None:
        """From now on look by ourselves."""
        self._close()
        if self._waiting is not None:
            self._waiting.cancel()
        if why != self._said:  # a reload starts it again
            self._said = why
            self._log.warn(
                "The kernel does not tell of processes ({why}): /proc is looked at every second instead."
                " It takes CAP_NET_ADMIN, CONFIG_PROC_EVENTS and the host's own network namespace",
                why=why,
            )
        self._waiting = self._reactor.callLater(POLL_S, self._look_again)

    def _look_again(self) -> None:
        self._waiting = self._reactor.callLater(POLL_S, self._look_again)
        self._heard(ProcessesUnknown())

    def _close(self) -> None:
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None


def _ignore(event: ProcessEvent) -> None:
    """Before the start and after the stop."""
