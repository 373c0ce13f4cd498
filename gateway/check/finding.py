"""One thing that `ansim check` has to say, and the home that its rules look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.config import DriverOf
from gateway.config.problems import Place
from gateway.config.reader import find_driver, unable
from gateway.driver import Capabilities, Driver
from gateway.mounts import Mount
from gateway.option import Language, Text
from gateway.settings import DeviceStanza, Role, Settings


class Severity(StrEnum):
    """How bad: with an error no home should rely on it; a note is merely good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


_SEVERITY: Mapping[Severity, Text] = {
    Severity.ERROR: Text("error", "오류"),
    Severity.WARNING: Text("warning", "주의"),
    Severity.NOTE: Text("note", "참고"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found. `key` is the YAML key it is about, `place` where that stands (if known)."""

    severity: Severity
    key: str
    text: Text
    do: Text | None = None
    place: Place | None = None

    def render(self, file: str, language: Language) -> str:
        """Return it for people, in the form of an error of the file."""
        where = f"{file}:{self.place.line}:{self.place.column}" if self.place else file
        line = f"{where}: {_SEVERITY[self.severity].of(language)}: {self.key}: "
        line += self.text.of(language)
        if self.do is None:
            return line
        return f"{line}\n    → {self.do.of(language)}"


def error(key: str, en: str, ko: str, do: Text | None = None) -> Finding:
    """Return an error."""
    return Finding(Severity.ERROR, key, Text(en, ko), do)


def warning(key: str, en: str, ko: str, do: Text | None = None) -> Finding:
    """Return a warning."""
    return Finding(Severity.WARNING, key, Text(en, ko), do)


def note(key: str, en: str, ko: str, do: Text | None = None) -> Finding:
    """Return a note."""
    return Finding(Severity.NOTE, key, Text(en, ko), do)


@dataclass(frozen=True, slots=True)
class Equipped:
    """A device of the home with its driver and what the two can do."""

    key: str  # its key path in the YAML
    stanza: DeviceStanza
    driver: Driver | None
    can: Capabilities
    fault: str = ""  # why its options make no sense together, in the driver's words

    @property
    def connects(self) -> bool:
        """Whether it takes one of the adapter's connections."""
        return self.driver is not None and self.driver.plan is not None

    def gives(self, *values: str) -> bool:
        """Whether it gives readings of one of these types."""
        return any(value in self.can.provides for value in values)


# A reading of one of these says that somebody is about; what the inactivity detector counts.
SIGNS_OF_LIFE = ("Motion", "Contact", "Button", "Occupied", "Steps", "AccelerationBlock")
BUTTONS = frozenset({Role.SOS, Role.CANCEL, Role.SOS_CANCEL})


@dataclass(frozen=True, slots=True)
class Home:
    """Settings with every device's driver looked up."""

    settings: Settings
    devices: tuple[Equipped, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()

    @property
    def bands(self) -> tuple[Equipped, ...]:
        """The devices that stream acceleration."""
        return tuple(device for device in self.devices if device.gives("AccelerationBlock"))

    @property
    def lively(self) -> tuple[Equipped, ...]:
        """The devices whose readings show that somebody is about; an emergency button does not."""
        return tuple(
            device
            for device in self.devices
            if device.gives(*SIGNS_OF_LIFE) and device.stanza.role not in BUTTONS
        )

    @classmethod
    def of(
        cls,
        settings: Settings,
        driver_of: DriverOf,
        environ: Mapping[str, str],
        mounts: tuple[Mount, ...] = (),
    ) -> "Home":
        """Look the drivers up; one that does not exist can do nothing (and is reported)."""
        return cls(
            settings,
            tuple(_equip(s, find_driver(driver_of, s.driver)) for s in settings.devices),
            environ,
            mounts,
        )


def _equip(stanza: DeviceStanza, driver: Driver | None) -> Equipped:
    key = f"devices[{stanza.name}]"
    if driver is None:
        return Equipped(key, stanza, None, Capabilities(()))
    options = {name: spec.default for name, spec in driver.options.items()} | dict(stanza.options)
    if fault := unable(driver, options):
        return Equipped(key, stanza, driver, Capabilities(()), fault)
    return Equipped(key, stanza, driver, driver.capabilities(options))
