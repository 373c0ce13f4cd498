"""Byte layouts that more than one driver, or a driver and its virtual twin, must agree on."""
