"""Persistence entries: renewed by connections, ended by time, bounded."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.lvs.persistence import Persistence
from kaltwisted.lvs.table import DestinationKey

FIRST = DestinationKey(IPv4Address("10.0.0.1"), 80)
SECOND = DestinationKey(IPv4Address("10.0.0.2"), 80)
CLIENT = IPv4Address("198.51.100.7")


class PersistenceTests(SynchronousTestCase):
    """One service's entries."""

    def test_an_entry_ends_its_timeout_after_the_last_connection_began(self) -> None:
        persistence = Persistence(60)
        for began in (0.0, 50.0):
            persistence.closed(persistence.connected(CLIENT, FIRST, began))
        self.assertEqual(persistence.find(CLIENT, 109.9), FIRST)
        self.assertIsNone(persistence.find(CLIENT, 110.0))

    def test_an_entry_stays_while_a_connection_goes_on(self) -> None:
        persistence = Persistence(60)
        entry = persistence.connected(CLIENT, FIRST, 0.0)
        for number in range(5):
            persistence.connected(CLIENT + 1 + number, FIRST, 200.0)
        self.assertEqual(persistence.find(CLIENT, 200.0), FIRST)
        persistence.closed(entry)
        self.assertIsNone(persistence.find(CLIENT, 300.0))

    def test_granularity_makes_a_network_one_client(self) -> None:
        persistence = Persistence(60, 24)
        persistence.connected(CLIENT, FIRST, 0.0)
        self.assertEqual(persistence.find(IPv4Address("198.51.100.255"), 1.0), FIRST)
        self.assertIsNone(persistence.find(IPv4Address("198.51.101.7"), 1.0))
        wide = Persistence(60, 64)
        wide.connected(IPv6Address("2001:db8::1"), FIRST, 0.0)
        self.assertEqual(wide.find(IPv6Address("2001:db8::ffff:1"), 1.0), FIRST)
        self.assertIsNone(wide.find(IPv6Address("2001:db8:0:1::1"), 1.0))

    def test_another_server_takes_the_entry_over(self) -> None:
        persistence = Persistence(60)
        old = persistence.connected(CLIENT, FIRST, 0.0)
        persistence.connected(CLIENT, SECOND, 1.0)
        persistence.closed(old)
        self.assertEqual(persistence.find(CLIENT, 500.0), SECOND)

    def test_expired_entries_are_dropped_as_new_ones_come(self) -> None:
        persistence = Persistence(60)
        for number in range(100):
            persistence.closed(persistence.connected(CLIENT + number, FIRST, 0.0))
        for number in range(100):
            persistence.closed(persistence.connected(CLIENT - 1 - number, FIRST, 100.0))
        self.assertEqual(len(persistence), 100)

    def test_the_longest_unused_gives_way_at_the_limit(self) -> None:
        persistence = Persistence(60, limit=2)
        for number in range(3):
            persistence.connected(CLIENT + number, FIRST, float(number))
        self.assertEqual(len(persistence), 2)
        self.assertIsNone(persistence.find(CLIENT, 3.0))
        self.assertEqual(persistence.find(CLIENT + 2, 3.0), FIRST)
