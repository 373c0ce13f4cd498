"""`ansim demo`: the daemon itself, with a virtual air behind bleak and a broker on this machine."""
