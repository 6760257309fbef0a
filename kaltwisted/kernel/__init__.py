"""Talk to the Linux kernel: netlink on the reactor."""
