"""From the technician's settings to the core's plan: which rule watches which device.

Used by everything that runs the pipeline: the daemon, a replay, the demo. What a device can do
(its driver's capabilities) decides which rules it feeds; `ansim check` has already said why not.
"""

from collections.abc import Callable, Iterator, Mapping

from gateway.core.detector import Detector, Learning
from gateway.core.detectors.fall import FallDetector
from gateway.core.detectors.fall_duty import FallDuty
from gateway.core.detectors.hazard import HazardDetector
from gateway.core.detectors.health import BatteryDetector, SilenceDetector, WornDetector
from gateway.core.detectors.inactivity_duty import InactivityDuty
from gateway.core.detectors.inactivity_levels import Levels, clock_ms
from gateway.core.detectors.life import (
    TELLS_OF_LIFE,
    TELLS_OF_REACH,
    WORN_ON_A_BODY,
    LifeSensor,
)
from gateway.core.detectors.links import ClockDetector, LinkDetector
from gateway.core.detectors.sos import SILENT, SosDetector
from gateway.core.model import Kind, Press
from gateway.core.pipeline import Plan
from gateway.core.routine.diary import Diary
from gateway.core.routine.measures import BATHROOM, BEDROOM, INSIDE, Senses
from gateway.core.wire import PLACES
from gateway.driver import Capabilities, Driver
from gateway.localtime import local_clock
from gateway.settings import DeviceStanza, Role, Settings

HOUR_MS = 3_600_000


def plan(settings: Settings, driver_of: Callable[[str], Driver]) -> Plan:
    """Return the plan of a home."""
    drivers = {stanza.name: driver_of(stanza.driver) for stanza in settings.devices}
    able = {
        stanza.name: drivers[stanza.name].capabilities(stanza.options)
        for stanza in settings.devices
    }
    heard = frozenset(name for name, driver in drivers.items() if driver.plan is None)
    learning: tuple[Learning, ...] = ()
    silence: InactivityDuty | None = None
    if settings.inactivity.enabled:
        silence = watch(settings, able)
        learning = (silence,)
    cancels = frozenset(d.name for d in settings.devices if d.role in ("cancel", "sos-cancel"))
    return Plan(
        detectors=(*rules(settings, able, heard), *learning),
        learning=learning,
        window_ms=windows(settings),
        cancel_buttons=cancels,
        sos_buttons=frozenset(d.name for d in settings.devices if _is_sos(d)),
        place={stanza.name: PLACES[stanza.place] for stanza in settings.devices},
        test_alarm_every_ms=round(settings.uplink.test_alarm_every_h * HOUR_MS),
        diary=diary(settings, able, silence) if settings.routine.enabled else None,
    )


def rules(
    settings: Settings, able: Mapping[str, Capabilities], heard: frozenset[str]
) -> Iterator[Detector]:
    """Yield the rules that learn nothing.

    heard: devices that are only listened to. A connected band's silence is its link's matter: the
    radio says that it is out of reach, and the worn rule says so to people.
    """
    room = {stanza.name: stanza.place for stanza in settings.devices}
    for stanza in settings.devices:
        can = able[stanza.name]
        if _is_sos(stanza):
            # One button for both: its long press says away or back home (ROLE_HELP).
            silent = frozenset({Press.LONG}) if stanza.role is Role.SOS_CANCEL else frozenset()
            yield SosDetector(stanza.name, frozenset(Press) - SILENT - silent)
        if can.sign_of_life_s is not None and stanza.name in heard:
            yield SilenceDetector(stanza.name, can.sign_of_life_s)
        if settings.fall.enabled and can.sample_rate_hz is not None and can.range_g is not None:
            yield FallDuty(
                FallDetector(
                    stanza.name,
                    sample_rate_hz=can.sample_rate_hz,
                    range_g=can.range_g,
                    operating_point=settings.fall.operating_point.value,
                ),
                lambda device: room.get(device, ""),
            )
        if can.knows_worn != "no" or "AccelerationBlock" in can.provides:
            yield WornDetector(stanza.name)
    yield HazardDetector()
    yield BatteryDetector()
    yield LinkDetector()
    yield ClockDetector()


def watch(settings: Settings, able: Mapping[str, Capabilities]) -> InactivityDuty:
    """Return the watch over silence: everything that can give a sign of life feeds it."""
    hours = settings.inactivity
    sensors = life_sensors(settings, able)
    levels = Levels(
        attention_ms=round(hours.attention_h * HOUR_MS),
        warning_ms=round(hours.warning_h * HOUR_MS),
        emergency_ms=round(hours.emergency_h * HOUR_MS),
        away_ms=round(hours.away_h * HOUR_MS),
        quiet_from_ms=clock_ms(hours.quiet_from),
        quiet_to_ms=clock_ms(hours.quiet_to),
    )
    toggles = frozenset(d.name for d in settings.devices if d.role is Role.SOS_CANCEL)
    return InactivityDuty(sensors, levels, local_clock(settings.hub.timezone), away_buttons=toggles)


def life_sensors(settings: Settings, able: Mapping[str, Capabilities]) -> list[LifeSensor]:
    """Return the devices that can give a sign of life, or tell that somebody is within reach."""
    sensors = []
    for stanza in settings.devices:
        can = able[stanza.name]
        told = set(can.provides)
        if told & (TELLS_OF_LIFE | TELLS_OF_REACH):
            sensors.append(
                LifeSensor(
                    stanza.name,
                    stanza.role.value,
                    stanza.place,
                    can.sign_of_life_s,
                    wearable=bool(told & WORN_ON_A_BODY),
                    signs=bool(told & TELLS_OF_LIFE),
                )
            )
    return sensors


def diary(
    settings: Settings, able: Mapping[str, Capabilities], silence: InactivityDuty | None
) -> Diary:
    """Return what writes down the days of this home and tells them."""
    hours = settings.inactivity
    return Diary(
        life_sensors(settings, able),
        senses(settings, able, silence),
        local_clock(settings.hub.timezone),
        watch=silence,
        quiet_ms=(clock_ms(hours.quiet_from), clock_ms(hours.quiet_to)),
        tell_ms=clock_ms(settings.routine.tell_at),
    )


def senses(
    settings: Settings, able: Mapping[str, Capabilities], silence: InactivityDuty | None
) -> Senses:
    """Return which devices of a home watch what."""
    inside = {
        stanza.name: stanza
        for stanza in settings.devices
        if INSIDE.intersection(able[stanza.name].provides)
    }

    def giving(value: str) -> frozenset[str]:
        return frozenset(d.name for d in settings.devices if value in able[d.name].provides)

    return Senses(
        inside=frozenset(name for name in inside if not _is_sos(inside[name])),
        bathroom=frozenset(n for n, d in inside.items() if d.place in BATHROOM and not _is_sos(d)),
        bedroom=frozenset(n for n, d in inside.items() if d.place in BEDROOM or d.role is Role.BED),
        doors=frozenset(n for n, d in inside.items() if d.role is Role.DOOR and silence),
        moves=giving("AccelerationBlock"),
        pulse=giving("HeartRate"),
    )


def windows(settings: Settings) -> Mapping[Kind, int]:
    """Return each kind's cancel window; zero without anything that tells the resident of it."""
    if not settings.announcer.command:
        return {}
    return {
        Kind.FALL: round(settings.fall.cancel_window_s * 1000),
        Kind.INACTIVITY: round(settings.inactivity.cancel_window_s * 1000),
    }


def _is_sos(stanza: DeviceStanza) -> bool:
    return stanza.role in ("sos", "sos-cancel")
