"""keepalived as a Twisted application: health checks drive LVS, VRRP makes the director available."""

__version__ = "0.1.0"
