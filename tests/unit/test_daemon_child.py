"""A role's process as its supervisor sees it, at the moment of its death."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon.child import Child
from kaltwisted.daemon.role import commands
from kaltwisted.daemon.role.kinds import CHECKERS


class Process:
    """What Twisted gives a process protocol."""

    pid = 4711


class Reactor:
    """Connects and starts nothing."""

    def adoptStreamConnection(self, _: int, __: int, factory: Factory) -> None:
        self.control: Any = factory.buildProtocol(None)
        self.control.makeConnection(StringTransport())

    def spawnProcess(self, protocol: Any, *_: object, **__: object) -> None:
        protocol.makeConnection(Process())


class ChildTests(SynchronousTestCase):
    def test_what_is_asked_between_the_end_of_its_socket_and_its_burial_fails(self) -> None:
        reactor = Reactor()
        child = Child(CHECKERS, reactor, own_stdout=False)
        reactor.control.connectionLost(Failure(ConnectionDone()))
        null = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, null)
        for called in (child.call(commands.Ping), child.call(commands.Apply, parcel=null)):
            self.failureResultOf(called, ConnectionDone, ConnectionLost)
