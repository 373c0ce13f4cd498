"""The thin edge: all that touches the world (radio, disk, network, journal, systemd)."""
