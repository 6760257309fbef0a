"""How much the kernel shall keep of adverts that we have not read yet, where somebody says so.  Pure."""

from __future__ import annotations

from typing import Final, assert_never

from kaltwisted.config.model import AuthType, RxBufs, RxBufsPolicy, VrrpInstance
from kaltwisted.vrrp.auth import AH_SIZE
from kaltwisted.vrrp.hmac import SIZE as TRAILER_SIZE
from kaltwisted.vrrp.packet import message_length

_IPV4_HEADER: Final = 20


def receive_buffer(config: VrrpInstance, rx_bufs: RxBufs, mtu: int) -> int:
    """Bytes for what comes for one instance; 0: nobody has said anything."""
    if config.kernel_rx_buf_size:
        return config.kernel_rx_buf_size
    match rx_bufs.policy:
        case None:
            return 0
        case RxBufsPolicy.MTU:
            return rx_bufs.multiplier * mtu
        case RxBufsPolicy.ADVERT:
            return rx_bufs.multiplier * advert_size(config)
        case int(size):
            return size
        case _:
            assert_never(rx_bufs.policy)


def advert_size(config: VrrpInstance) -> int:
    """Bytes of its adverts as a raw socket hands them over: over IPv4 with the header."""
    ipv4 = config.ip_version == 4
    size = message_length(len(config.virtual_ipaddress), config.version, 4 if ipv4 else 16)
    authentication = config.authentication
    sealed = config.version == 2 and authentication is not None and authentication.type is AuthType.AH
    if config.auth_hmac is not None:
        size += TRAILER_SIZE
    return size + (_IPV4_HEADER if ipv4 else 0) + (AH_SIZE if sealed else 0)
