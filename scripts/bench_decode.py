"""How fast are the decoders, beside the libraries everybody uses, in one run on this machine.

    adverts, plain      ours and bthome-ble, each packet with a new packet id    target: 5 times
    adverts, encrypted  ours and xiaomi-ble, each packet with a new counter      target: once
    samples             Polar delta frames of 57 samples, whole frames decoded   target: 5 M/s

Rounds of ours and theirs alternate, timed by the processor time they take, so that what else runs
here matters little. Medians, and the best round. Never fails on a figure: read it.
"""

import random
import statistics
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from drivers import bthome, mibeacon, polar_pmd
from gateway.core.model import At
from gateway.driver import Channel, DeviceSettings, Driver, Packet
from gateway.layouts.sealed import address_bytes
from tests import naive_samples, oracles, seals

ROUNDS = 9
ADVERTS = 2000
FRAMES = 4000
SAMPLES = 57

BUTTON, SENSOR = "B4:35:22:F5:3D:A4", "18:C2:3C:20:8E:77"
KEY = bytes.fromhex("4960bb9f8711b4ffd7df1756d11427ae")


def packet(uuid: str, data: bytes, mono_ms: int) -> Packet:
    return Packet(At("boot", mono_ms, mono_ms, proven=True), "dev", Channel.ADVERT, uuid, data)


def per_second(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    begin = process_time()
    for item in items:
        work(item)
    return len(items) / (process_time() - begin)


def fresh(driver: Driver, address: str, key: bytes | None = None) -> Callable[[Packet], object]:
    return driver.new_decoder(DeviceSettings("dev", address, key), None).decode


def plain_adverts() -> list[bytes]:
    """Return a Shelly door sensor's adverts: packet id, battery, light, window, rotation."""
    return [
        bytes([0x40, 0, i % 256, 1, 100, 5, i % 251, 0, 0, 0x2D, i % 2, 0x3F, 0, 0])
        for i in range(ADVERTS)
    ]


def sealed_adverts() -> list[bytes]:
    """Return a Xiaomi motion sensor's adverts."""
    plain = bytes.fromhex("0F0003000100")
    return [
        seals.mibeacon(plain, count, key=KEY, mac=address_bytes(SENSOR))
        for count in range(1, ADVERTS + 1)
    ]


def frames() -> list[Packet]:
    """Return a Verity Sense's frames: 57 samples at 52 Hz, differences of 8 bits."""
    chance = random.Random(1)  # noqa: S311 - it must repeat
    packets = []
    for i in range(FRAMES):
        samples = [[chance.randrange(-60, 60) for _ in range(3)] for _ in range(SAMPLES)]
        body = naive_samples.pack(samples, [(8, SAMPLES - 1)])
        stamp = 10**18 + round((i + 1) * SAMPLES / 52 * 1e9)
        data = struct.pack("<BQB", 2, stamp, 0x81) + body
        packets.append(packet(polar_pmd.DATA, data, round((i + 1) * SAMPLES / 52 * 1000)))
    return packets


def compare(name: str, ours: list[float], theirs: list[float], who: str, target: float) -> None:
    mine, other = statistics.median(ours), statistics.median(theirs)
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"{name:20} ours {mine:10,.0f}/s (best {max(ours):10,.0f})   "
        f"{who} {other:8,.0f}/s   ratio {ratio:5.1f}   target >= {target:g}"
    )


def main() -> int:
    """Measure and print."""
    plain, sealed, stream = plain_adverts(), sealed_adverts(), frames()
    plain_ours = [packet(bthome.SERVICE, data, i * 10) for i, data in enumerate(plain)]
    sealed_ours = [packet(mibeacon.SERVICE, data, i * 10) for i, data in enumerate(sealed)]
    plain_theirs = [oracles.heard(BUTTON, bthome.SERVICE, d, i * 10) for i, d in enumerate(plain)]
    sealed_theirs = [oracles.heard(SENSOR, mibeacon.SERVICE, d) for d in sealed]
    figures: dict[str, list[float]] = {name: [] for name in ("bt", "BT", "mi", "MI", "pmd")}
    for _ in range(ROUNDS):
        figures["bt"].append(per_second(fresh(bthome.DRIVER, BUTTON), plain_ours))
        figures["BT"].append(per_second(oracles.bthome().update, plain_theirs))
        figures["mi"].append(per_second(fresh(mibeacon.DRIVER, SENSOR, KEY), sealed_ours))
        figures["MI"].append(per_second(oracles.xiaomi(KEY).update, sealed_theirs))
        figures["pmd"].append(per_second(fresh(polar_pmd.DRIVER, BUTTON), stream) * SAMPLES)
    print(f"medians of {ROUNDS} rounds, Python {sys.version.split()[0]}, one process")
    compare("adverts, plain", figures["bt"], figures["BT"], "bthome-ble", 5)
    compare("adverts, encrypted", figures["mi"], figures["MI"], "xiaomi-ble", 1)
    samples = statistics.median(figures["pmd"])
    print(
        f"{'samples':20} ours {samples:10,.0f}/s (best {max(figures['pmd']):10,.0f})   "
        f"in frames of {SAMPLES}   target >= 5,000,000"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
