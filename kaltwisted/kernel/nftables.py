"""Keeps packets from virtual addresses by rules of nf_tables (keepalived: ``no_accept``).

The kernel works on a transaction while it is being sent, and has its answers in
the receive buffer before ``send`` returns: nothing is waited for.  A thousand
addresses take it some milliseconds, a table that is made or removed up to 25.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from twisted.logger import Logger
from zope.interface import implementer

from kaltwisted.config.model import Nftables
from kaltwisted.kernel.boot_file import BootFile
from kaltwisted.kernel.messages import NLMSG_ERROR, NetlinkError, Request, error_of, split
from kaltwisted.kernel.netlink_socket import NetlinkSocket, open_socket
from kaltwisted.kernel.nftables_messages import (
    NETLINK_NETFILTER,
    Place,
    elements,
    family_of,
    table_anew,
    table_away,
    transaction,
)
from kaltwisted.kernel.rtnetlink import AF_INET, AF_INET6
from kaltwisted.ports import IFirewall

_ANSWERS = 1 << 16
_NO_NFTABLES = frozenset((errno.EPROTONOSUPPORT, errno.EOPNOTSUPP, errno.EAFNOSUPPORT, errno.EINVAL))


def open_requests() -> NetlinkSocket:
    """A socket to ask by."""
    return open_socket(NETLINK_NETFILTER)


@implementer(IFirewall)
class NftablesFirewall:
    """One table a family, made when it is first needed.

    What does not work is told once, and the addresses are then as open as
    without ``no_accept``.

    :param path: remembers over a ``kill -9`` which table was ours; None: nothing does.
    """

    _log = Logger()

    def __init__(
        self,
        settings: Nftables,
        path: Path | None = None,
        connect: Callable[[], NetlinkSocket] = open_requests,
    ) -> None:
        self._settings = settings
        self._file = BootFile(path)
        self._connect = connect
        self._socket: NetlinkSocket | None = None
        self._made: set[int] = set()
        # Instances may share an address: how many want it closed.
        self._closed: Counter[Place] = Counter()
        self._buffer = bytearray(_ANSWERS)
        self._broken = False
        self._prepared = False

    # --- IFirewall -----------------------------------------------------------------------

    def prepare(self, ip_versions: frozenset[int]) -> None:
        """Remove the table that an earlier life left; make those that will be needed."""
        if not self._prepared:
            self._prepared = True
            table = self._file.read().get("table")
            if isinstance(table, str):
                self._remove(table, (AF_INET, AF_INET6))
                self._file.remove()
        self._change([], {family_of(each) for each in ip_versions})

    def close(self, places: Sequence[Place]) -> None:
        """Drop what goes to these addresses or comes from them."""
        new = [each for each in places if not self._closed[each]]
        self._closed.update(places)
        self._change(new, {family_of(address.version) for _, address in new})

    def _change(self, new: Sequence[Place], families: set[int]) -> None:
        """Have the tables, and these addresses in them."""
        table = self._settings.table
        missing = sorted(families - self._made)
        requests = [request for number in missing for request in table_anew(self._settings, number)]
        for number in sorted(families):
            requests += elements(table, number, _of(new, number), add=True)
        if not requests or self._broken:
            return
        if not self._made:
            self._file.write({"table": table})
        try:
            self._ask(requests)
        except (OSError, NetlinkError) as error:
            if error.errno == errno.ENOENT and self._made:
                # Somebody removed our tables (``nft flush ruleset``): make all of it anew.
                self._made.clear()
                closed = list(self._closed)
                self._change(closed, families | {family_of(address.version) for _, address in closed})
            else:
                self._tell(error)
        else:
            self._made.update(families)

    def open(self, places: Sequence[Place]) -> None:
        """Let packets to these addresses in again."""
        self._closed.subtract(places)
        gone = [each for each in dict.fromkeys(places) if self._closed[each] <= 0]
        for each in gone:
            del self._closed[each]
        table = self._settings.table
        requests = [
            request
            for number in sorted(self._made)
            for request in elements(table, number, _of(gone, number), add=False)
        ]
        if not requests:
            return
        try:
            self._ask(requests)
        except (OSError, NetlinkError) as error:
            self._log.warn("nftables: {error}", error=str(error))

    def stop(self, *, keep: bool = False) -> None:
        """Remove our tables; with ``keep`` what is closed stays so."""
        if self._made and not (keep and self._closed):
            self._remove(self._settings.table, sorted(self._made))
            self._file.remove()
        self._made.clear()
        self._hang_up()

    # --- The kernel ----------------------------------------------------------------------

    def _remove(self, table: str, families: Sequence[int]) -> None:
        for number in families:
            try:
                self._ask([table_away(table, number)])
            except (OSError, NetlinkError) as error:
                if error.errno not in (errno.ENOENT, *_NO_NFTABLES):
                    self._log.warn("nftables: {error}", error=str(error))

    def _ask(self, requests: Sequence[Request]) -> None:
        """Have all of it done, or raise why none is."""
        if self._socket is None:
            self._socket = self._connect()
        asked, answers = transaction(requests)
        try:
            self._socket.send(asked)
            while answers > 0:
                size, _ = self._socket.recvfrom_into(self._buffer)
                for message in split(bytes(self._buffer[:size])):
                    if message.type == NLMSG_ERROR:
                        answers -= 1
                        attempted = ""
                        if 0 < message.sequence <= len(requests):
                            attempted = str(requests[message.sequence - 1].attempted)
                        refused = error_of(message, attempted)
                        # A transaction that is refused is not acknowledged piece by piece.
                        if refused is not None:
                            raise refused
        except NetlinkError:
            self._hang_up()  # more answers may wait
            raise
        except BlockingIOError as error:
            self._hang_up()
            raise OSError(errno.ENODATA, "the kernel gave no answer") from error
        except OSError:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, error: OSError | NetlinkError) -> None:
        self._broken = True
        why = str(error)
        if error.errno in _NO_NFTABLES:
            why += "; the kernel seems to be without nf_tables"
        elif error.errno in (errno.EPERM, errno.EACCES):
            why += "; the process needs CAP_NET_ADMIN"
        self._log.warn(
            "no_accept has no effect, packets to the virtual addresses are accepted: {why}", why=why
        )


def _of(places: Sequence[Place], number: int) -> list[Place]:
    return [(index, address) for index, address in places if family_of(address.version) == number]
