"""Finds a driver by the name in a device's stanza: `drivers/<name>.py` and its DRIVER.

Only what is asked for is imported: a home without a band never loads numba through its driver.
"""

import difflib
import pkgutil
from importlib import import_module

import drivers
from gateway.driver import Driver
from gateway.errors import Bug, ConfigurationError


def available() -> tuple[str, ...]:
    """Return the names of all drivers, in order, importing none of them."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(drivers.__path__)))


def find(name: str) -> Driver:
    """Return the driver of this name; ConfigurationError says what was probably meant."""
    known = available()
    if name not in known:
        meant = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {meant[0]!r}?" if meant else f"there are: {', '.join(known)}"
        raise ConfigurationError(f"no driver {name!r}; {hint}")
    descriptor = getattr(import_module(f"drivers.{name}"), "DRIVER", None)
    if not isinstance(descriptor, Driver):
        raise Bug(f"drivers/{name}.py does not end with a DRIVER")
    if descriptor.name != name:
        raise Bug(f"drivers/{name}.py calls itself {descriptor.name!r}")
    return descriptor


def every() -> tuple[Driver, ...]:
    """Return all drivers (for `ansim drivers`, the schema and the tests)."""
    return tuple(find(name) for name in available())
