"""ansim-gateway: a hub in the home of an older person who lives alone."""

__version__ = "0.1.0"
