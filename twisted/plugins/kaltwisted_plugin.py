"""What ``twistd`` and ``twist`` offer once kaltwisted is installed.

Nothing of ours is imported here: twistd reads this file for every command,
also for those that are not about us.
"""

from twisted.application.service import ServiceMaker

keepalived = ServiceMaker(
    "keepalived",
    "kaltwisted.daemon.service",
    "Health checks drive LVS: keepalived as a Twisted application.",
    "keepalived",
)

genhash = ServiceMaker(
    "genhash",
    "kaltwisted.genhash",
    "Print the digest of a page, as HTTP_GET and SSL_GET compare it.",
    "genhash",
)
