"""A home without hardware: virtual controllers and devices that speak as the real ones do.

world           the home: air, adapter, devices        time          home time moved by hand
link            bumble's controllers, mended           adapter       the hub's, with its faults
bleak_backend   what bleak is given (scanner, client)  far_*         the same from another process
advertiser      devices that only advertise: shelly, xiaomi; crowd: the neighbours
peripheral      devices that are connected to: polar (pmd_control, pmd_encoder, wrist)
"""
