"""Feed every driver damaged packets: `fuzz_drivers.py --packets 1000000 --seed 1`.

Valid packets are mutated (bits flipped, bytes set, cut, doubled, spliced, or replaced by noise), in
the air and before they are encrypted, and decoded by decoders that live through restarts. Whatever
comes, a driver gives readings or raises MalformedPacket; anything else is printed and exits with 1.
"""

import argparse
import random
import sys
import traceback
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from drivers import polar_pmd
from gateway import registry
from gateway.core.model import At
from gateway.driver import Channel, Decoder, DeviceSettings, MalformedPacket, Packet
from gateway.layouts.sealed import address_bytes
from tests import seals
from tests.vectors import VECTORS, Vector

LIFE = 200  # packets of one device
SHOWN = 10
SELDOM, HALF = 0.01, 0.5
MOST = 200  # bytes that are encrypted
STEP_NS = 1_100_000_000
PLAIN = bytes.fromhex("000701640305000C020C2101" + "3A013A02")
MI_PLAIN = bytes.fromhex(
    "0F0003000100" + "0A100164" + "1910" + "0101" + "171004780000000D1004FE00F401"
)


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Return damaged bytes, or now and then whole ones."""
    raw = bytearray(data)
    for _ in range(chance.choice((0, 1, 1, 2, 3, 8))):
        where = chance.randrange(len(raw) + 1)
        match chance.randrange(7):
            case 0 if where < len(raw):
                raw[where] ^= 1 << chance.randrange(8)
            case 1 if where < len(raw):
                raw[where] = chance.randrange(256)
            case 2:
                del raw[where:]
            case 3:
                raw[where:where] = raw[: chance.randrange(20)]
            case 4:
                raw[where:where] = chance.randbytes(chance.randrange(20))
            case 5:
                del raw[where : where + chance.randrange(4)]
            case _:
                raw = raw[:1] + bytearray(chance.randbytes(chance.randrange(60)))
    return bytes(raw[:512])


def renewed(chance: random.Random, vector: Vector, count: int) -> bytes:
    """Return the vector's packet as its device would send it now: new counter, new stamp."""
    if vector.uuid == polar_pmd.DATA:
        head = vector.data[:1] + (count * STEP_NS).to_bytes(8, "little") + vector.data[9:10]
        return head + (vector.data[10:] if chance.random() < HALF else mutate(chance, PLAIN))
    if vector.key is None:
        return vector.data
    mac = address_bytes(vector.address)
    if vector.driver == "bthome":
        return seals.bthome(mutate(chance, PLAIN)[:MOST], count, key=vector.key, mac=mac)
    return seals.mibeacon(mutate(chance, MI_PLAIN)[:MOST], count, key=vector.key, mac=mac)


def born(vector: Vector, chance: random.Random, memory: dict[str, int | str] | None) -> Decoder:
    """Return a decoder of the vector's device, now and then without its key."""
    key = None if chance.random() < SELDOM else vector.key
    settings = DeviceSettings("dev", vector.address, key, vector.options)
    return registry.find(vector.driver).new_decoder(settings, memory)


def life(vector: Vector, chance: random.Random, packets: int, counts: Counter[str]) -> list[str]:
    """Decode some packets with one device; return the failures."""
    failures = []
    uuids = [vector.uuid, *(one.uuid for one in VECTORS if one.driver == vector.driver)]
    decoder = born(vector, chance, None)
    memory: dict[str, int | str] | None = None
    mono_ms = 0
    for count in range(packets):
        mono_ms += chance.randrange(2000)
        data = renewed(chance, vector, count)
        if chance.random() < HALF:
            data = mutate(chance, data)
        channel = chance.choice(list(Channel))
        uuid = chance.choice(uuids)
        at = At("boot", mono_ms, mono_ms, proven=True)
        packet = Packet(at, "dev", channel, uuid, data)
        try:
            decoded = decoder.decode(packet)
        except MalformedPacket as refused:
            counts[f"{vector.driver:12} {type(refused).__name__}"] += 1
        except Exception:  # noqa: BLE001 - what this script looks for
            counts[f"{vector.driver:12} FAILED"] += 1
            failures.append(f"{vector} {packet.uuid} {data.hex()}\n{traceback.format_exc()}")
        else:
            counts[f"{vector.driver:12} {'readings' if decoded.readings else 'nothing new'}"] += 1
            memory = dict(decoded.memory) if decoded.memory is not None else memory
        if chance.random() < SELDOM:
            decoder = born(vector, chance, memory)
    return failures


def main() -> int:
    """Run until the packets are used up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)  # noqa: S311 - it must repeat
    counts: Counter[str] = Counter()
    failures: list[str] = []
    left = chosen.packets
    while left > 0:
        some = min(LIFE, left)
        failures += life(chance.choice(VECTORS), chance, some, counts)
        left -= some
    for name, count in sorted(counts.items()):
        print(f"{count:10,}  {name}")
    print(f"{chosen.packets:10,}  packets, seed {chosen.seed}, {len(failures)} failures")
    for failure in failures[:SHOWN]:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
