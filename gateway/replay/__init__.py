"""Recordings through the real hub: samples as a band sends them, or stamped packets.

trials.py     what was recorded: packs of trials, a technician's CSV
direct.py     a trial through the pipeline alone
home.py       a trial through a band, the virtual air, the daemon and a broker to the centre
explain.py    why the detector decided so on a trial, as a picture
recording.py  stamped packets on disk: written by `ansim run --record`
packets.py    such a file through drivers and pipeline, without radio, disk or network
command.py    `ansim replay`
"""
