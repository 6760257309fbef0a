"""IPVS messages: against pyroute2's codec, and back by our own parser."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.generic.ipvs import ipvsmsg
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.model import Forwarding, ForwardingMethod, Protocol, TunnelType
from kaltwisted.kernel.messages import MalformedError, Request, pack
from kaltwisted.lvs import ipvs_messages as messages
from kaltwisted.lvs.ipvs_messages import Command, as_reported
from kaltwisted.lvs.table import Destination, DestinationKey, Service, ServiceKey

from .lvs_tables import DESTINATIONS, keys, services

METHOD_NUMBERS = {Forwarding.NAT: 0, Forwarding.TUN: 2, Forwarding.DR: 3}
TUNNEL_NUMBERS = {TunnelType.IPIP: 0, TunnelType.GUE: 1, TunnelType.GRE: 2}


def whole(payload: bytes) -> bytes:
    """As the message would go over the socket."""
    return pack(Request(30, payload), 5, 1)


def by_pyroute2(payload: bytes) -> Any:
    """The message as pyroute2 reads it."""
    message = ipvsmsg(whole(payload))
    message.decode()
    return message


def encoded_by_pyroute2(command: Command, attributes: list[tuple[str, Any]]) -> bytes:
    """A message as pyroute2 writes it, without its netlink header."""
    message = ipvsmsg()
    message["cmd"], message["version"] = command, 1
    message["attrs"] = attributes
    message.encode()
    return bytes(message.data[16:])


def without_nested_flag(payload: bytes) -> bytes:
    """Our payload with the flag cleared that newer kernels like and pyroute2 leaves out."""
    cleared, offset = bytearray(payload), 4
    while offset < len(payload):
        cleared[offset + 3] &= 0x7F
        offset += int.from_bytes(payload[offset : offset + 2], "little")
    return bytes(cleared)


def key_attributes(key: ServiceKey) -> list[tuple[str, Any]]:
    family = ("IPVS_SVC_ATTR_AF", 10 if key.ipv6 else 2)
    if key.fwmark:
        return [family, ("IPVS_SVC_ATTR_FWMARK", key.fwmark)]
    assert key.protocol is not None
    return [
        family,
        ("IPVS_SVC_ATTR_PROTOCOL", key.protocol.value),
        ("IPVS_SVC_ATTR_ADDR", str(key.address)),
        ("IPVS_SVC_ATTR_PORT", key.port),
    ]


def flat(nested: Any) -> dict[str, Any]:
    return dict(nested["attrs"])


class AgainstPyroute2Tests(SynchronousTestCase):
    """Another's codec reads in our messages what we meant."""

    def assertKey(self, message: Any, key: ServiceKey) -> dict[str, Any]:
        service = flat(message.get_attr("IPVS_CMD_ATTR_SERVICE"))
        for name, value in key_attributes(key):
            if name.endswith("ADDR"):
                self.assertEqual(ip_address(service[name]), key.address)
            else:
                self.assertEqual(service[name], value)
        return service

    @given(keys(), DESTINATIONS, st.sampled_from([Command.NEW_DEST, Command.SET_DEST]))
    def test_put_destination(self, key: ServiceKey, destination: Destination, command: Command) -> None:
        message = by_pyroute2(messages.put_destination(command, key, destination))
        self.assertEqual((message["cmd"], message["version"]), (command, 1))
        self.assertKey(message, key)
        got = flat(message.get_attr("IPVS_CMD_ATTR_DEST"))
        forwarding = destination.forwarding
        wanted = {
            "IPVS_DEST_ATTR_ADDR_FAMILY": 2 if destination.key.address.version == 4 else 10,
            "IPVS_DEST_ATTR_PORT": destination.key.port,
            "IPVS_DEST_ATTR_FWD_METHOD": METHOD_NUMBERS[forwarding.method],
            "IPVS_DEST_ATTR_WEIGHT": destination.weight,
            "IPVS_DEST_ATTR_U_THRESH": destination.uthreshold,
            "IPVS_DEST_ATTR_L_THRESH": destination.lthreshold,
        }
        if forwarding.method is Forwarding.TUN:
            # pyroute2 takes the port for one in the machine's byte order: the kernel's is big-endian.
            swapped = int.from_bytes(forwarding.tunnel_port.to_bytes(2, "big"), "little")
            wanted |= {
                "IPVS_DEST_ATTR_TUN_TYPE": TUNNEL_NUMBERS[forwarding.tunnel_type],
                "IPVS_DEST_ATTR_TUN_PORT": swapped,
                "IPVS_DEST_ATTR_TUN_FLAGS": 0,
            }
        address = got.pop("IPVS_DEST_ATTR_ADDR")
        self.assertEqual(got, wanted)
        self.assertEqual(ip_address(address), destination.key.address)

    @given(services(), st.sampled_from([Command.NEW_SERVICE, Command.SET_SERVICE]))
    def test_put_service(self, service: Service, command: Command) -> None:
        message = by_pyroute2(messages.put_service(command, service))
        self.assertEqual(message["cmd"], command)
        got = self.assertKey(message, service.key)
        self.assertEqual(got["IPVS_SVC_ATTR_SCHED_NAME"], service.scheduler)
        self.assertEqual(got["IPVS_SVC_ATTR_TIMEOUT"], service.persistence_timeout_s)
        self.assertEqual(got.get("IPVS_SVC_ATTR_PE_NAME"), service.persistence_engine)
        flags = got["IPVS_SVC_ATTR_FLAGS"]
        self.assertEqual(bool(flags["flags"] & 1), bool(service.persistence_timeout_s))
        self.assertEqual(bool(flags["flags"] & 4), service.ops)
        self.assertEqual(flags["mask"], 0xFFFFFFFF)

    def test_byte_for_byte(self) -> None:
        # IPv6: of IPv4 addresses pyroute2 writes 4 bytes, and we 16 as the kernel does.
        key = ServiceKey(True, Protocol.TCP, ip_address("2001:db8::1"), 80)
        server = DestinationKey(ip_address("2001:db8::2"), 8080)
        destination = Destination(server, 7, ForwardingMethod(Forwarding.DR), 100, 50)
        service = ("IPVS_CMD_ATTR_SERVICE", {"attrs": key_attributes(key)})
        found_by = [
            ("IPVS_DEST_ATTR_ADDR", "2001:db8::2"),
            ("IPVS_DEST_ATTR_PORT", 8080),
            ("IPVS_DEST_ATTR_ADDR_FAMILY", 10),
        ]
        rest = [
            ("IPVS_DEST_ATTR_FWD_METHOD", 3),
            ("IPVS_DEST_ATTR_WEIGHT", 7),
            ("IPVS_DEST_ATTR_U_THRESH", 100),
            ("IPVS_DEST_ATTR_L_THRESH", 50),
        ]
        for ours, command, attributes in (
            (messages.put_destination(Command.NEW_DEST, key, destination), Command.NEW_DEST, found_by + rest),
            (messages.put_destination(Command.SET_DEST, key, destination), Command.SET_DEST, found_by + rest),
            (messages.delete_destination(key, server), Command.DEL_DEST, found_by),
        ):
            theirs = encoded_by_pyroute2(command, [service, ("IPVS_CMD_ATTR_DEST", {"attrs": attributes})])
            self.assertEqual(without_nested_flag(ours).hex(), theirs.hex())


class RoundTripTests(SynchronousTestCase):
    """What we write we read."""

    @given(keys(), DESTINATIONS)
    def test_destinations(self, key: ServiceKey, destination: Destination) -> None:
        data = whole(messages.put_destination(Command.NEW_DEST, key, destination))
        self.assertEqual(messages.parse_destination(data).destination, destination)
        data = whole(messages.delete_destination(key, destination.key))
        self.assertEqual(messages.parse_destination_key(data), destination.key)
        self.assertEqual(messages.parse_key(data), key)

    @given(services())
    def test_services(self, service: Service) -> None:
        data = whole(messages.put_service(Command.SET_SERVICE, service))
        self.assertEqual(messages.parse_service(data), attrs.evolve(service, destinations={}))
        self.assertEqual(messages.parse_key(whole(messages.delete_service(service.key))), service.key)

    @given(st.binary(max_size=120), services(), st.integers(0, 300), st.integers(0, 255))
    def test_any_bytes_are_a_message_or_the_one_error(
        self, data: bytes, service: Service, where: int, value: int
    ) -> None:
        near = bytearray(whole(messages.put_service(Command.NEW_SERVICE, service)))
        near[20 + where % (len(near) - 20)] = value
        for each in (bytes(20) + data, bytes(near)):
            for parse in (messages.parse_service, messages.parse_destination, messages.parse_key):
                try:
                    parse(each)
                except MalformedError:
                    pass

    def test_an_own_address_is_told_as_local_node(self) -> None:
        key = ServiceKey(False, fwmark=1)
        plain = Destination(DestinationKey(ip_address("10.0.0.1"), 80), 1, ForwardingMethod(Forwarding.NAT))
        data = whole(messages.put_destination(Command.NEW_DEST, key, plain))
        local = data.replace(bytes.fromhex("0800030000000000"), bytes.fromhex("0800030001000000"))
        self.assertNotEqual(data, local)
        found = messages.parse_destination(local)
        self.assertTrue(found.local_node)
        self.assertFalse(messages.parse_destination(data).local_node)


class AsReportedTests(SynchronousTestCase):
    """One spelling of what is the same to the kernel."""

    @given(services())
    def test_what_the_kernel_reports_stays_itself(self, service: Service) -> None:
        self.assertIs(as_reported(service), service)

    def test_what_was_asked_otherwise(self) -> None:
        key = ServiceKey(False, Protocol.UDP, ip_address("10.0.0.1"), 53)
        there = DestinationKey(ip_address("10.0.0.2"), 53)

        def asked(forwarding: ForwardingMethod, **settings: Any) -> Service:
            return Service(key, "sh", destinations={there: Destination(there, 1, forwarding)}, **settings)

        self.assertEqual(
            as_reported(
                asked(
                    ForwardingMethod(Forwarding.DR, TunnelType.GUE, 6080),
                    granularity=32,
                    persistence_engine="",
                    scheduler_flags=frozenset({"flag-2", "mh-fallback"}),
                )
            ),
            asked(ForwardingMethod(Forwarding.DR), scheduler_flags=frozenset({"sh-port", "sh-fallback"})),
        )
        self.assertEqual(
            as_reported(asked(ForwardingMethod(Forwarding.TUN, TunnelType.GRE, 9))),
            asked(ForwardingMethod(Forwarding.TUN, TunnelType.GRE)),
        )
