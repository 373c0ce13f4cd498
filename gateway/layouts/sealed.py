"""Opening encrypted adverts (AES-128-CCM, 4-byte tag) so that each counter counts once.

Invariants:
    1. A packet is accepted when its tag matches AND its counter is greater than any accepted one.
       The counter outlives a restart: `memory()` is persisted by the edge and handed back.
    2. The very packet accepted last, heard again, is no error and has nothing new (adverts are
       repeated for seconds).
    3. A smaller counter is a replay, unless the device plausibly began anew with a fresh battery:
       small counter, and a battery reading that jumped up; or the technician allowed it
       (`allow_restart`). Each restart accepted is counted in the memory, for the journal.
    4. Another key is another device life: memory of the old key's counters is forgotten.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.driver import MalformedPacket, OptionSpec, Replayed, WrongKey

TAG = 4
_KEY_BYTES = 16
_ADDRESS_BYTES = 6
# bthome-ble takes ANY counter below 100 as a fresh battery; here it is only half of the evidence.
_SMALL_COUNTER = 100
_BATTERY_JUMP = 20

# The option of every driver whose packets are sealed, and its name in the stanza.
ACCEPT_COUNTER_RESTART = "accept_counter_restart"
COUNTER_RESTART = OptionSpec(
    bool,
    False,  # noqa: FBT003 - an option's default
    "accept a counter that began anew although no fresh battery was seen; switch off again "
    "afterwards, since an old recording is accepted as well",
    help_ko="새 배터리가 확인되지 않아도 처음부터 다시 세는 카운터를 허용. 끝나면 다시 끌 것 "
    "(옛 녹음도 받아들이게 됨)",
)


def address_bytes(address: str) -> bytes:
    """Return a device's six address bytes in readable order.

    >>> address_bytes("54:48:E6:8F:80:A5").hex()
    '5448e68f80a5'
    """
    octets = bytes.fromhex(address.replace(":", "").replace("-", ""))
    if len(octets) != _ADDRESS_BYTES:
        raise ValueError(f"not a Bluetooth address: {address!r}")
    return octets


@dataclass(frozen=True, slots=True)
class Opened:
    """A packet whose tag matched, not yet accepted."""

    data: bytes
    plain: bytes
    counter: int


class Seal:
    """One device's key and the counters accepted under it."""

    def __init__(
        self,
        key: bytes | None,
        memory: Mapping[str, int | str] | None,
        *,
        allow_restart: bool = False,
    ) -> None:
        if key is not None and len(key) != _KEY_BYTES:
            raise ValueError(f"a key has {_KEY_BYTES} bytes, not {len(key)}")
        self._cipher = AESCCM(key, tag_length=TAG) if key is not None else None
        self._allow_restart = allow_restart
        # Names the key without telling it: 8 hex digits of a one-way function of 128 random bits.
        self._fingerprint = hashlib.sha256(key).hexdigest()[:8] if key is not None else ""
        kept = memory if memory and memory.get("key") == self._fingerprint else {}
        self._counter = int(kept.get("counter", -1))
        self._heard = bytes.fromhex(str(kept.get("sealed", "")))
        self._battery = int(kept.get("battery", -1))
        self._restarts = int(kept.get("restarts", 0))

    @property
    def has_key(self) -> bool:
        """Whether plaintext of this device must be refused."""
        return self._cipher is not None

    def is_repeat(self, data: bytes) -> bool:
        """Tell whether this is the very packet accepted last."""
        return data == self._heard and self._counter >= 0

    def open(
        self, data: bytes, body: bytes, nonce: bytes, aad: bytes | None, counter: int
    ) -> Opened:
        """Check the tag of `body` (ciphertext and tag); the counter is judged by `accept`."""
        if self._cipher is None:
            raise WrongKey("encrypted, and no key is set", data)
        if len(body) < TAG:
            raise MalformedPacket("encrypted, and too short for its tag", data)
        # The tag first: a device that was bound anew may count from the start under its new key,
        # and must be told as a wrong key, not as a replay.
        try:
            plain = self._cipher.decrypt(nonce, body, aad)
        except InvalidTag:
            raise WrongKey("the tag does not match", data) from None
        return Opened(data, plain, counter)

    def accept(self, opened: Opened, battery: int | None) -> None:
        """Take the packet as new, or raise Replayed; `battery` is the percentage it carries."""
        if opened.counter <= self._counter:
            if not self._began_anew(opened.counter, battery):
                raise Replayed(f"counter {opened.counter} after {self._counter}", opened.data)
            self._restarts += 1
        self._counter, self._heard = opened.counter, opened.data
        if battery is not None:
            self._battery = battery

    def _began_anew(self, counter: int, battery: int | None) -> bool:
        if counter == self._counter or counter >= _SMALL_COUNTER:
            return False
        fresh = battery is not None and 0 <= self._battery <= battery - _BATTERY_JUMP
        return fresh or self._allow_restart

    def memory(self) -> dict[str, int | str]:
        """Return what must be known after a restart."""
        if self._counter < 0:
            return {}
        return {
            "key": self._fingerprint,
            "counter": self._counter,
            "sealed": self._heard.hex(),
            "battery": self._battery,
            "restarts": self._restarts,
        }
