"""The fault harness: a whole home and its centre, broken in every part, many times, and counted.

    plan.py      seed ──► what residents do and what breaks, and when (pure; themes.py: how)
    run.py       carries a plan out on a Rig, heals everything, and waits for the account
    rig.py       the world, a real hub process, a real mosquitto, a real centre process, between
                 them a Proxy that breaks the network and knows MQTT packets when it sees them
    nursery.py   forks hubs and centres from a process that has everything loaded: a restart costs
                 0.1 s instead of 1 s, and each is a process of its own that dies by kill -9
    wire.py      where a plan wants it, a network of the kernel's under the hub: a namespace and a
                 tun, whose packets are really lost
    account.py   what was caused against what the centre's database holds (pure)
    checks.py    what a theme must show besides
    sitting.py   many runs, several at a time, each lane (lane.py) a process; summing.py adds up
    sabotage.py  hub and centre broken themselves: the harness must find it

A plan is reproduced from its seed to the letter; how the processes' work falls between the faults
is the machine's business, so a run that fails is run again with its seed, many times.
"""
