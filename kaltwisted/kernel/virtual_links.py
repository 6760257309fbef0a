"""Makes the interfaces of virtual MACs, keeps them, and removes them; a file outlives a ``kill -9``."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.defer import TimeoutError as DeferredTimeoutError
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from kaltwisted.config.model import VirtualIpAddress
from kaltwisted.kernel import link_messages
from kaltwisted.kernel.boot_file import BootFile
from kaltwisted.kernel.messages import NetlinkError, Request
from kaltwisted.kernel.netlink import Netlink, Reactor
from kaltwisted.kernel.netlink_socket import NetlinkSocket, open_socket
from kaltwisted.kernel.rtnetlink import NETLINK_ROUTE, add_address
from kaltwisted.ports import (
    AddressVanished,
    ILinks,
    IVirtualLinks,
    Link,
    LinkChanged,
    LinkEvent,
    LinkPlan,
    LinkVanished,
    VirtualLink,
)

#: How long a new interface may take to be told of.
TOLD_S = 1.0
#: How soon one that was removed is made again, and how long between two times.
SOON_S = 0.1
PAUSE_S = 1.0

_CONF = "/proc/sys/net/{family}/conf"
_RP_LOOSE, _RP_OFF, _RP_STRICT = 2, 0, 1
_ARP_NEVER = 8
#: Silent until it is unmuted, and never one that takes addresses or routes from router advertisements.
_IPV6_SETTINGS = (("disable_ipv6", 1), ("accept_ra", 0), ("autoconf", 0))


def open_requests() -> NetlinkSocket:
    """A socket to ask by."""
    return open_socket(NETLINK_ROUTE)


class Conf:
    """/proc/sys/net/*/conf: read, and written where only a file will do."""

    def __init__(self, root: str = _CONF) -> None:
        self._root = root

    def get(self, interface: str, name: str) -> int | None:
        """A setting of IPv4; None: it cannot be read."""
        try:
            return int(
                (Path(self._root.format(family="ipv4")) / interface / name).read_text(encoding="ascii")
            )
        except (OSError, ValueError):
            return None

    def set_ipv6(self, interface: str, name: str, value: int) -> None:
        """A setting of IPv6; where /proc is read-only, or the interface has none, it stays as it is."""
        try:
            path = Path(self._root.format(family="ipv6")) / interface / name
            path.write_text(str(value), encoding="ascii")
        except OSError:
            pass


@implementer(IVirtualLinks)
class VirtualLinks:
    """The interfaces that we made.

    :param path: a file of what was made and changed; None: nothing is remembered.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Reactor,
        links: ILinks,
        path: Path | None = None,
        connect: Callable[[], NetlinkSocket] = open_requests,
        conf: Conf | None = None,
    ) -> None:
        self._reactor = reactor
        self._links = links
        self._connect = connect
        self._conf = conf if conf is not None else Conf()
        self._netlink: Netlink | None = None
        self._file = BootFile(path)
        self._made, self._before = self._read()
        # Made by an earlier life, which may have been a master.
        self._inherited = set(self._made)
        self._plan = LinkPlan()
        self._turn = DeferredLock()
        # Those that we remove ourselves, until the kernel tells that they are gone.
        self._removing: set[int] = set()
        self._failing: dict[str, str] = {}
        self._waiting: Deferred[None] | None = None
        self._again: IDelayedCall | None = None
        self._looked_at = -PAUSE_S
        self._stopped = False
        links.watch(self._changed)

    # --- IVirtualLinks -------------------------------------------------------------------

    def want(self, plan: LinkPlan) -> Deferred[None]:
        """Bring the host to it, in turn."""
        self._plan = plan
        return self._turn.run(lambda: Deferred.fromCoroutine(self._reconcile()))

    def unmute(self, name: str) -> str | None:
        """Let one for IPv6 speak it."""
        link = self._made.get(name)
        if link is None or not link.ipv6 or link.ipvlan is not None:
            return None
        self._conf.set_ipv6(name, "disable_ipv6", 0)
        return link.parent

    def mute(self, name: str) -> None:
        """Silence it."""
        self._conf.set_ipv6(name, "disable_ipv6", 1)

    def stop(self) -> None:
        """Change no more."""
        self._stopped = True
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._netlink is not None:
            self._netlink.close()

    # --- from what is there to what shall be ----------------------------------------------

    async def _reconcile(self) -> None:
        plan = self._plan
        if self._stopped or not (plan.links or plan.settings or self._made or self._before):
            return
        self._looked_at = self._reactor.seconds()
        wanted = {each.name: each for each in plan.links}
        for made in tuple(self._made.values()):
            if wanted.get(made.name) != made:
                await self._remove(made)
        await self._set_back(dict(plan.settings))
        for name, settings in plan.settings:
            await self._set(name, dict(settings))
        for link in plan.links:
            there = self._links.link(link.name)
            if there is None or link.name not in self._made:
                await self._make(link)
            else:
                if link.name in self._inherited and link.ipv6 and link.ipvlan is None:
                    self.mute(link.name)
                await self._follow_parent(link, there)
        self._inherited.clear()
        await self._told()
        for link in plan.links:
            await self._give_address(link)

    async def _make(self, link: VirtualLink) -> None:
        parent = self._links.link(link.parent)
        if parent is None:
            return  # ``_changed`` hears when it comes
        # Remembered first: one that nobody remembers would stay for ever.
        known = self._made.get(link.name)
        self._made[link.name] = link
        self._write()
        if link.ipvlan is None:
            create = link_messages.create_macvlan(link.name, parent.index, link.mac, link.group)
        else:
            create = link_messages.create_ipvlan(link.name, parent.index, link.ipvlan, link.group)
        refusal = await self._ask(create)
        if refusal is not None and refusal.errno == errno.EEXIST:
            there = self._links.link(link.name)
            if known != link and (link.ipvlan is not None or not _is(there, link)):
                del self._made[link.name]
                self._write()
                self._complain(link.name, f"cannot create {link.name}: there is an interface of that name")
                return
        elif refusal is not None:
            if known is None:
                del self._made[link.name]
                self._write()
            self._complain(link.name, _words(refusal))
            return
        else:
            kind = "VMAC" if link.ipvlan is None else "ipvlan"
            self._log.info(
                "({link.owner}): Success creating {kind} interface {link.name}", link=link, kind=kind
            )
        # In a /proc that is read-only it has no address of its own all the same (``no_own_addresses``).
        for name, value in _IPV6_SETTINGS:
            # An ipvlan for IPv6 speaks it at once: its MAC is its parent's, and nobody else has its address.
            if name != "disable_ipv6" or link.ipvlan is None or not link.ipv6:
                self._conf.set_ipv6(link.name, name, value)
        requests = [link_messages.set_up(link.name)]
        if link.ipvlan is None:
            requests.insert(0, link_messages.ipv4_settings(link.name, self._ipv4_settings(link)))
            requests.insert(1, link_messages.no_own_addresses(link.name))
        if parent.vrf is not None:
            requests.insert(0, link_messages.set_vrf(link.name, parent.vrf))
        for request in requests:
            refusal = await self._ask(request)
            # Without IPv6 in the kernel there is nothing to set of it.
            if refusal is not None and refusal.errno not in (errno.EAFNOSUPPORT, errno.EOPNOTSUPP):
                self._complain(link.name, _words(refusal))
                return
        self._failing.pop(link.name, None)

    async def _follow_parent(self, link: VirtualLink, there: Link) -> None:
        """Into the VRF that its parent is in now, or out of the one that it was in."""
        parent = self._links.link(link.parent)
        if parent is not None and there.vrf != parent.vrf:
            refusal = await self._ask(link_messages.set_vrf(link.name, parent.vrf))
            if refusal is not None:
                self._complain(link.name, _words(refusal))

    async def _give_address(self, link: VirtualLink) -> None:
        there = self._links.link(link.name)
        if link.address is None or there is None or link.name in self._failing:
            return
        address = ip_interface(link.address)
        vip = VirtualIpAddress(address.ip, address.network.prefixlen)
        refusal = await self._ask(add_address(there.index, vip))
        if refusal is not None and refusal.errno != errno.EEXIST:
            self._complain(link.name, _words(refusal))

    def _ipv4_settings(self, link: VirtualLink) -> dict[str, int]:
        if link.ipv6:
            # Not a word of IPv4: it would tell its MAC as that of the parent's addresses.
            return {"arp_ignore": _ARP_NEVER}
        strict = self._conf.get("all", "rp_filter") == _RP_STRICT
        return {
            "arp_ignore": 1,
            "accept_local": 1,
            "promote_secondaries": 1,
            # The higher of this and of all's counts, and the way back may be by the parent.
            "rp_filter": _RP_LOOSE if strict else _RP_OFF,
        }

    async def _remove(self, link: VirtualLink) -> None:
        there = self._links.link(link.name)
        # One of another MAC, or of another kind, is somebody else's by now.
        if there is not None and _is(there, link):
            self._removing.add(there.index)
            refusal = await self._ask(link_messages.remove_link(link.name))
            if refusal is not None:
                self._removing.discard(there.index)
            if refusal is not None and refusal.errno != errno.ENODEV:
                self._complain(link.name, _words(refusal))
                return
            self._log.info("({link.owner}) Success removing VMAC interface {link.name}", link=link)
        del self._made[link.name]
        self._write()

    async def _set(self, name: str, settings: dict[str, int]) -> None:
        if self._links.link(name) is None:
            return
        now = {each: self._conf.get(name, each) for each in settings}
        differing = {each: value for each, value in settings.items() if now[each] != value}
        if not differing:
            return
        before = self._before.setdefault(name, {})
        for each in differing:
            value = now[each]
            if value is not None:
                before.setdefault(each, value)
        self._write()
        refusal = await self._ask(link_messages.ipv4_settings(name, differing))
        if refusal is not None:
            self._complain(name, _words(refusal))

    async def _set_back(self, kept: Mapping[str, object]) -> None:
        """What nobody wants any more gets back what it was."""
        for name in [each for each in self._before if each not in kept]:
            if self._links.link(name) is not None:
                refusal = await self._ask(link_messages.ipv4_settings(name, self._before[name]))
                if refusal is not None and refusal.errno != errno.ENODEV:
                    self._complain(name, _words(refusal))
            del self._before[name]
            self._write()

    async def _told(self) -> None:
        """Wait until the new interfaces are told of: they would count as down."""
        if self._all_there():
            return
        waiting: Deferred[None] = Deferred()
        self._waiting = waiting
        waiting.addTimeout(TOLD_S, self._reactor)  # type: ignore[arg-type]
        try:
            await waiting
        except (DeferredTimeoutError, CancelledError):
            pass
        finally:
            self._waiting = None

    def _all_there(self) -> bool:
        made = [
            each for each in self._plan.links if each.name in self._made and each.name not in self._failing
        ]
        found = [self._links.link(each.name) for each in made]
        return all(link is not None and link.up for link in found)

    async def _ask(self, request: Request) -> NetlinkError | None:
        try:
            if self._netlink is None:
                self._netlink = Netlink(self._reactor, self._connect)
            await self._netlink.request(request)
        except NetlinkError as refusal:
            return refusal
        except OSError as error:
            return NetlinkError(error.errno or errno.EIO, request.attempted)
        return None

    def _complain(self, name: str, why: str) -> None:
        if self._failing.get(name) != why:
            self._failing[name] = why
            self._log.warn("{why}", why=why)

    # --- what others do ------------------------------------------------------------------

    def _changed(self, event: LinkEvent) -> None:
        if self._waiting is not None and not self._waiting.called and self._all_there():
            self._waiting.callback(None)
        match event:
            case LinkVanished(link) if link.index in self._removing:
                self._removing.discard(link.index)
            case LinkVanished(link) if any(each.name == link.name for each in self._plan.links):
                self._log.info("Interface {name} deleted", name=link.name)
                self._made.pop(link.name, None)
                self._look_again()
            case LinkChanged(link) if link.name in self._concerned() and self._is_amiss():
                self._look_again()
            case AddressVanished(address) if self._gave_address(address.index):
                self._look_again()

    def _gave_address(self, index: int) -> bool:
        found = (self._links.link(each.name) for each in self._plan.links if each.address is not None)
        return any(link is not None and link.index == index for link in found)

    def _concerned(self) -> set[str]:
        """The names of ours, of those below, and of those with settings."""
        own = {name for each in self._plan.links for name in (each.name, each.parent)}
        return own | {name for name, _ in self._plan.settings}

    def _is_amiss(self) -> bool:
        """One is not there, or not in the VRF of its parent."""
        for each in self._plan.links:
            link, parent = self._links.link(each.name), self._links.link(each.parent)
            if link is None or (parent is not None and parent.vrf != link.vrf):
                return True
        return False

    def _look_again(self) -> None:
        if self._again is None and not self._stopped:
            wait = max(SOON_S, self._looked_at + PAUSE_S - self._reactor.seconds())
            self._again = self._reactor.callLater(wait, self._reconcile_again)

    def _reconcile_again(self) -> None:
        self._again = None
        self.want(self._plan).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("Interfaces", failure)

    # --- the file ------------------------------------------------------------------------

    def _write(self) -> None:
        links = [attrs.asdict(each) | {"mac": each.mac.hex()} for each in self._made.values()]
        self._file.keep({"links": links, "settings": self._before})

    def _read(self) -> tuple[dict[str, VirtualLink], dict[str, dict[str, int]]]:
        content: dict[str, Any] = self._file.read()
        try:
            links = [
                VirtualLink(**(each | {"mac": bytes.fromhex(each["mac"])}))
                for each in content.get("links", ())
            ]
            settings = {
                str(name): {
                    each: int(value) for each, value in some.items() if each in link_messages.IPV4_SETTINGS
                }
                for name, some in content.get("settings", {}).items()
            }
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._file.is_of_no_use(error)
            return {}, {}
        return {each.name: each for each in links}, settings


def _is(there: Link | None, link: VirtualLink) -> bool:
    """Whether an interface is what we made under its name."""
    if there is None:
        return False
    return there.mac == link.mac if link.ipvlan is None else there.kind == "ipvlan"


def _words(refusal: NetlinkError) -> str:
    return f"cannot {refusal}"
