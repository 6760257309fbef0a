"""Decide which server is in which pool, and keep a data plane (IPVS or userspace) so."""
