"""Carries notifications out: each object's scripts one after the other, mails, the IPVS sync daemon."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from kaltwisted.alerts.notify import NotifyQueue, nobody
from kaltwisted.config.model import Configuration, LvsSyncDaemon, VrrpInstance, VrrpSyncGroup
from kaltwisted.ports import IMailer, ISyncDaemon, SyncRole
from kaltwisted.vrrp import notifications
from kaltwisted.vrrp.actions import (
    Alarm,
    Notify,
    NotifyLowerPriority,
    NotifyPriority,
    State,
    Subject,
)

_SYNC_ROLES = {
    State.MASTER: frozenset((SyncRole.MASTER,)),
    State.BACKUP: frozenset((SyncRole.BACKUP,)),
    State.FAULT: frozenset((SyncRole.BACKUP,)),
}
_NO_ROLE: frozenset[SyncRole] = frozenset()


class Notifier:
    """Tells of changes whom the configuration names.

    :param sync_daemon: None where there is no IPVS to follow along.
    :param fifo: takes lines for the notify FIFOs.
    """

    _log = Logger()

    def __init__(
        self,
        configuration: Configuration,
        queue: NotifyQueue,
        mailer: IMailer,
        sync_daemon: ISyncDaemon | None = None,
        fifo: Callable[[str], object] = nobody,
    ) -> None:
        self._sync_daemon = sync_daemon
        self._sync: LvsSyncDaemon | None = None
        self.reconfigure(configuration)
        self._queue = queue
        self._mailer = mailer
        self._fifo = fifo
        self._mailed: dict[tuple[Subject, str], State] = {}

    def reconfigure(self, configuration: Configuration) -> None:
        """Tell whom this configuration names from now on."""
        self._instances = {each.name: each for each in configuration.vrrp_instances}
        self._groups = {each.name: each for each in configuration.vrrp_sync_groups}
        self._again = configuration.global_defs.fifo_write_vrrp_states_on_reload
        self._mails_faults = not configuration.global_defs.no_email_faults
        before, self._sync = self._sync, configuration.global_defs.lvs_sync_daemon
        if before is not None and before.instance is not None and self._sync is None:
            self._run_sync(_NO_ROLE, before)

    def forget(self, instance: VrrpInstance) -> None:
        """An instance is gone, and the IPVS sync daemon that followed it."""
        self._mailed.pop((Subject.INSTANCE, instance.name), None)
        self._follow(instance.name, State.STOP)

    def tell(self, notify: Notify) -> None:
        """A change of state is complete."""
        config = self._config(notify)
        if config is None:
            return  # gone by a reload, before this was told
        about = (notify.subject, notify.name)
        for script, arguments in notifications.scripts(config, notify):
            self._queue.run(about, script, arguments)
        self._fifo(notifications.fifo_line(notify))
        # keepalived: the same state is not mailed twice, also with an unmailed FAULT in between.
        mailed = self._mails_faults or notify.state is not State.FAULT
        if mailed and config.smtp_alert and self._mailed.get(about) is not notify.state:
            self._mailed[about] = notify.state
            self._mailer.send(notifications.mail(notify))
        if notify.subject is Subject.INSTANCE:
            self._follow(notify.name, notify.state)

    def tell_lower_priority(self, notify: NotifyLowerPriority) -> None:
        """As master we heard a lower priority."""
        about = (Subject.INSTANCE, notify.name)
        instance = self._instances.get(notify.name)
        if instance is not None:
            for script, arguments in notifications.lower_priority_scripts(instance, notify):
                self._queue.run(about, script, arguments)
            self._fifo(notifications.lower_priority_line(notify))

    def tell_priority(self, notify: NotifyPriority) -> None:
        """The priority of an instance is another, where somebody asked for that."""
        instance = self._instances.get(notify.name)
        line = notifications.priority_line(notify)
        if instance is not None and line is not None and self._wants_priorities(instance):
            self._fifo(line)

    def tell_again(self, notify: Notify) -> None:
        """A state that has not changed, after a reload (keepalived: ``fifo_write_vrrp_states_on_reload``)."""
        if self._again:
            self._fifo(notifications.fifo_line(notify))
        self.follow_again(notify)

    def follow_again(self, notify: Notify) -> None:
        """The IPVS sync daemon may have been changed by hand, or have other settings now."""
        if notify.subject is Subject.INSTANCE:
            self._follow(notify.name, notify.state)

    def _wants_priorities(self, instance: VrrpInstance) -> bool:
        groups = (group for group in self._groups.values() if instance.name in group.group)
        return instance.notify_priority_changes or any(group.notify_priority_changes for group in groups)

    def alarm(self, alarm: Alarm) -> None:
        """Something is to be mended by somebody."""
        instance = self._instances.get(alarm.name)
        if instance is not None and instance.smtp_alert:
            self._mailer.send(notifications.alarm_mail(alarm))

    def drained(self) -> Deferred[None]:
        """Fires when every script that was asked for has ended."""
        return self._queue.drained()

    def _config(self, notify: Notify) -> VrrpInstance | VrrpSyncGroup | None:
        if notify.subject is Subject.GROUP:
            return self._groups.get(notify.name)
        return self._instances.get(notify.name)

    def _follow(self, name: str, state: State) -> None:
        if self._sync is not None and self._sync.instance == name:
            self._run_sync(_SYNC_ROLES.get(state, _NO_ROLE), self._sync)

    def _run_sync(self, roles: frozenset[SyncRole], settings: LvsSyncDaemon) -> None:
        if self._sync_daemon is not None:
            followed = self._sync_daemon.run(roles, settings)
            followed.addCallback(self._followed, settings.instance)
            followed.addErrback(lambda failure: self._log.failure("IPVS sync daemon", failure))

    def _followed(self, why: str | None, name: str | None) -> None:
        if why is not None:
            self._log.warn("({name}) the IPVS sync daemon does not follow: {why}", name=name, why=why)
