"""``bfd_instance`` blocks to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kaltwisted.config.drafts import BfdDraft
from kaltwisted.config.keywords.bfd import BFD_INSTANCE, LONGEST_NAME
from kaltwisted.config.model import BfdInstance
from kaltwisted.config.reader import says

if TYPE_CHECKING:
    from kaltwisted.config.reader import Reader
    from kaltwisted.config.statement import Statement

TTL = 255
"""RFC 5881 §5."""
HOP_LIMIT = 64
"""keepalived's, against the RFC; a neighbour that insists on 255 wants ``hoplimit 255``."""
_ANY = -1


def instance(reader: Reader, statement: Statement) -> BfdInstance | None:
    """One ``bfd_instance``; None when it cannot be one."""
    if len(statement.words) < 2:
        reader.error(statement, "`bfd_instance` lacks its name", expected="`bfd_instance NAME {`")
        return None
    name = statement.words[1]
    if len(name) > LONGEST_NAME:
        reader.error(
            statement,
            f"the name `{name}` is too long: the session is left out",
            word=1,
            expected=f"up to {LONGEST_NAME} characters",
            log=f"BFD name {name} too long",
        )
        return None
    draft = reader.read(statement.block or [], BFD_INSTANCE, BfdDraft())
    if draft.neighbor is None:
        if not (says(statement, "neighbor_ip") or says(statement, "neighbour_ip")):
            reader.error(
                statement,
                f"bfd_instance `{name}` has no neighbour, and is left out",
                word=1,
                expected="neighbor_ip ADDRESS in its block",
                log=f"Configuration error: BFD instance {name} has no neighbor address set,"
                " disabling instance",
            )
        return None
    if draft.source is not None and draft.source.version != draft.neighbor.version:
        reader.error(
            statement,
            f"source_ip {draft.source} and neighbour {draft.neighbor} of `{name}` are not of one family:"
            " it is left out",
            word=1,
            expected=f"an IPv{draft.neighbor.version} address of this host as source_ip",
        )
        return None
    ttl = draft.ttl or (TTL if draft.neighbor.version == 4 else HOP_LIMIT)
    max_hops = draft.max_hops
    if max_hops is None:
        # Behind routers nobody can tell; next door nobody may have passed one.
        max_hops = _ANY if draft.multihop else 0
    if max_hops > ttl:
        reader.error(
            statement,
            f"max_hops {max_hops} of `{name}` is above its ttl: {ttl} is used",
            word=1,
            log=f"BFD instance {name}: max_hops exceeds ttl/hoplimit - setting to ttl/hoplimit",
        )
        max_hops = ttl
    weight, reverse = draft.weight
    # Who names neither means both.
    anybody = not (draft.vrrp or draft.checker)
    plain = BfdInstance(name, draft.neighbor)
    return BfdInstance(
        name=name,
        neighbor=draft.neighbor,
        source=draft.source,
        min_rx_us=draft.min_rx_us or plain.min_rx_us,
        min_tx_us=draft.min_tx_us or plain.min_tx_us,
        idle_tx_us=draft.idle_tx_us or plain.idle_tx_us,
        multiplier=draft.multiplier or plain.multiplier,
        passive=draft.passive,
        ttl=ttl,
        max_hops=max_hops,
        multihop=draft.multihop,
        weight=weight,
        reverse=reverse,
        vrrp=draft.vrrp or anybody,
        checker=draft.checker or anybody,
        where=reader.source.where(statement),
    )
