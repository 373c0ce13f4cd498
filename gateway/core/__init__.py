"""The pure core: values in, decisions out. No clock, radio, disk, network or event loop in here."""
