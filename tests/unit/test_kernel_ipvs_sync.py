"""The IPVS sync daemon's switch against a played kernel."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from ipaddress import ip_address

import attrs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import LvsSyncDaemon
from kaltwisted.kernel.generic import generic_header
from kaltwisted.kernel.ipvs_sync import IpvsSyncDaemon, start_request
from kaltwisted.kernel.messages import Message, attribute, attributes
from kaltwisted.ports import ISyncDaemon, SyncRole
from kaltwisted.testing.netlink import FakeNetlinkSocket, ReaderClock, acknowledgement, message

_FAMILY = 31
_NEW, _DEL = 9, 10
_ROLES = {1: SyncRole.MASTER, 2: SyncRole.BACKUP}
SYNC = LvsSyncDaemon("eth1", "X", 51)


class PlayedKernel:
    """``running``: roles with the attributes that each was started with."""

    def __init__(self) -> None:
        self.running: dict[SyncRole, dict[int, bytes]] = {}
        self.started = 0
        self.refuse = 0

    def connect(self) -> FakeNetlinkSocket:
        return FakeNetlinkSocket(self._answer)

    def _answer(self, asked: Message) -> Iterable[bytes]:
        if asked.type != _FAMILY:
            family = attribute(1, _FAMILY.to_bytes(2, "little")) + attribute(2, b"IPVS\0")
            found = message(asked.type, asked.sequence, generic_header(1, 2) + family)
            return [found, acknowledgement(asked)]
        daemon = attributes(attributes(asked.data, 20)[3])
        role = _ROLES[int.from_bytes(daemon[1], "little")]
        if asked.data[16] == _DEL:
            known = self.running.pop(role, None)
            return [acknowledgement(asked, 0 if known else errno.ESRCH)]
        if self.refuse:
            return [acknowledgement(asked, self.refuse)]
        if role in self.running:
            return [acknowledgement(asked, errno.EEXIST)]
        self.running[role] = daemon
        self.started += 1
        return [acknowledgement(asked)]


class SyncDaemonTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.kernel = PlayedKernel()
        self.reactor = ReaderClock()
        self.daemon = IpvsSyncDaemon(self.reactor, self.kernel.connect)

    def run_as(self, roles: set[SyncRole], settings: LvsSyncDaemon = SYNC) -> str | None:
        followed = self.daemon.run(frozenset(roles), settings)
        self.reactor.spin(50)
        return self.successResultOf(followed)  # type: ignore[no-any-return]

    def test_it_is_a_sync_daemon(self) -> None:
        verifyObject(ISyncDaemon, self.daemon)

    def test_one_role_at_a_time_and_a_role_that_runs_is_left_alone(self) -> None:
        for role, started in ((SyncRole.BACKUP, 1), (SyncRole.MASTER, 2), (SyncRole.MASTER, 2)):
            self.assertIsNone(self.run_as({role}))
            self.assertEqual((list(self.kernel.running), self.kernel.started), ([role], started))
        self.assertIsNone(self.run_as(set()))
        self.assertEqual(self.kernel.running, {})

    def test_both_roles_at_once(self) -> None:
        self.assertIsNone(self.run_as({*SyncRole}))
        self.assertEqual(self.kernel.running.keys(), {*SyncRole})

    def test_other_settings_start_it_anew_in_the_same_role(self) -> None:
        self.run_as({SyncRole.MASTER})
        self.run_as({SyncRole.MASTER}, attrs.evolve(SYNC, sync_id=7))
        self.assertEqual(self.kernel.running[SyncRole.MASTER][3], b"\7\0\0\0")

    def test_one_that_somebody_left_is_replaced(self) -> None:
        self.kernel.running[SyncRole.BACKUP] = {3: b"\x63\0\0\0"}
        self.assertIsNone(self.run_as({SyncRole.BACKUP}))
        self.assertEqual(self.kernel.running[SyncRole.BACKUP][3], b"\x33\0\0\0")

    def test_one_that_was_taken_away_is_started_again(self) -> None:
        self.run_as({SyncRole.MASTER})
        self.kernel.running.clear()
        self.run_as({SyncRole.MASTER})
        self.assertEqual(list(self.kernel.running), [SyncRole.MASTER])

    def test_a_refusal_is_told_and_the_next_try_may_succeed(self) -> None:
        self.kernel.refuse = errno.ENODEV
        why = self.run_as({SyncRole.MASTER})
        self.assertIn("start the IPVS sync daemon as master", why or "")
        self.kernel.refuse = 0
        self.assertIsNone(self.run_as({SyncRole.MASTER}))
        self.assertEqual(list(self.kernel.running), [SyncRole.MASTER])

    def test_only_what_is_said_is_asked_for(self) -> None:
        everything = LvsSyncDaemon("eth1", "X", 7, 1400, 8849, 3, ip_address("224.0.0.99"))
        plain = {1: b"\1\0\0\0", 2: b"eth1\0", 3: b"\x33\0\0\0"}
        more = {3: b"\7\0\0\0", 4: b"\x78\5", 5: b"\xe0\0\0\x63", 7: b"\x91\x22", 8: b"\3"}
        group = ip_address("ff02::81")
        for settings, expected in (
            (SYNC, plain),
            (everything, plain | more),
            (attrs.evolve(SYNC, group=group), plain | {6: group.packed}),
        ):
            request = start_request(_FAMILY, SyncRole.MASTER, settings)
            self.assertEqual(attributes(attributes(request.payload, 4)[3]), expected)
