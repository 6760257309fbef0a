"""What others read in our packets: tcpdump and scapy decode a capture of them without complaint."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.network.test_vrrp_failover import instance, vip
from tests.network.vrrp_lan import lan, needs_lan, wait_for

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers.inet import IP  # noqa: E402
from scapy.layers.ipsec import AH  # noqa: E402
from scapy.layers.vrrp import VRRP, VRRPv3  # noqa: E402
from scapy.utils import rdpcap  # noqa: E402

pytestmark = [
    pytest.mark.network,
    needs_lan,
    pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed"),
]

KINDS = {
    51: "",
    52: "authentication {\n auth_type PASS\n auth_pass k@live1\n}",
    53: "authentication {\n auth_type AH\n auth_pass k@live1\n}",
    54: "version 3\nadvert_int 0.5",
    55: "version 3\nunicast_src_ip 10.77.0.1\nunicast_peer {\n10.77.0.2\n}",
}
ADVERTS = 3


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three adverts or more of each kind, and the priority 0 of the stop."""
    # tcpdump gives its rights away, and must still be able to write.
    file = tmp_path_factory.mktemp("capture") / "adverts.pcap"
    with lan(2) as (one, two):
        watching = two.run("tcpdump", "-i", "eth0", "-Z", "root", "-U", "-w", str(file), "vrrp or ah")
        wait_for(file.exists)
        router = one.ours("".join(instance(vrid, 150, more=more) for vrid, more in KINDS.items()))
        wait_for(lambda: all(one.holds(vip(vrid)) for vrid in KINDS))
        wait_for(lambda: len(rdpcap(str(file))) >= ADVERTS * len(KINDS))
        router.stop()
        wait_for(lambda: sum(not advert.priority for _, advert in read(file)) >= len(KINDS))
        watching.terminate()
        watching.wait()
    yield file


def read(file: Path) -> list[tuple[Any, Any]]:
    """Each packet's IPv4 header and VRRP message, as scapy has them."""
    packets = []
    for frame in rdpcap(str(file)):
        header = frame[IP]
        packets.append((header, VRRP(bytes(header[AH].payload)) if AH in header else header.payload))
    return packets


def checksum_made(header: Any, advert: Any) -> int:
    """The checksum that scapy gives the message; version 3's needs the header too."""
    blank = advert.copy()
    del blank.chksum
    made: int = IP(bytes(IP(src=header.src, dst=header.dst, proto=112) / blank)).payload.chksum
    return made


def test_tcpdump_reads_them_without_complaint(capture: Path) -> None:
    """Checksums, lengths, TTL; versions 2 and 3, PASS and AH."""
    text = subprocess.run(
        ["tcpdump", "-n", "-vvv", "-r", str(capture)], capture_output=True, text=True, check=True
    ).stdout
    for vrid in KINDS:
        assert f"vrid {vrid}" in text
    for word in ("ttl 255", "tos 0xc0", "VRRPv3", "AH("):
        assert word in text
    for complaint in ("bad", "truncated", "invalid", "[|"):
        assert complaint not in text, text


def test_scapy_reads_what_was_configured(capture: Path) -> None:
    """Every field; a checksum is right when scapy, asked to make one, makes the same."""
    packets = read(capture)
    assert {advert.vrid for _, advert in packets} == set(KINDS)
    for header, advert in packets:
        assert (header.src, header.ttl, header.tos) == ("10.77.0.1", 255, 0xC0)
        assert header.dst == ("10.77.0.2" if advert.vrid == 55 else "224.0.0.18")
        assert advert.type == 1
        assert advert.priority in (150, 0)
        assert advert.addrlist == [vip(advert.vrid)]
        if isinstance(advert, VRRPv3):
            assert advert.adv == (50 if advert.vrid == 54 else 100)
        else:
            assert advert.adv == 1
            assert advert.authtype == {51: 0, 52: 1, 53: 2}[advert.vrid]
            words = advert.auth1.to_bytes(4, "big") + advert.auth2.to_bytes(4, "big")
            assert words == (b"k@live1\0" if advert.vrid == 52 else bytes(8))
        assert checksum_made(header, advert) == advert.chksum
    numbers = [header[AH].seq for header, _ in packets if AH in header]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
