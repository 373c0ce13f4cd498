"""Rules about the adapters and the canary: what would keep the recovery ladder from its work."""

from collections.abc import Iterator

from gateway.check.finding import Finding, Home, error, warning
from gateway.option import Text


def radio(home: Home) -> Iterator[Finding]:
    """Look at the spares, then at the canary."""
    yield from _spares(home)
    yield from _canary(home)


def _spares(home: Home) -> Iterator[Finding]:
    settings = home.settings.radio
    named = [one.upper() for one in (settings.adapter, *settings.spares) if one]
    twice = sorted({one for one in named if named.count(one) > 1})
    if twice:
        yield error(
            "radio.spares",
            f"{', '.join(twice)} is named twice: an adapter is no spare of its own",
            f"{', '.join(twice)}: 두 번 적혀 있습니다. 같은 어댑터는 예비가 될 수 없습니다",
            Text("each adapter once, by its MAC address", "어댑터마다 MAC 주소를 한 번씩"),
        )
    elif settings.spares and ":" not in settings.adapter:
        yield warning(
            "radio.adapter",
            "with spares the first adapter needs its MAC address: otherwise it may be a spare "
            "itself, for numbers change when one is plugged in",
            "예비 어댑터가 있으면 첫 어댑터도 MAC 주소로 적어야 합니다. 번호는 꽂을 때마다 바뀌어 "
            "예비 어댑터 자신일 수 있습니다",
            Text(
                "adapter: its address as `bluetoothctl list` says",
                "adapter: `bluetoothctl list`가 보여 주는 주소",
            ),
        )


def _canary(home: Home) -> Iterator[Finding]:
    """Say so of a canary that is silent in health: its silence would restart what works."""
    canary = home.settings.radio.canary.upper()
    does = Text("canary: the address of a beacon", "canary: 비콘의 주소")
    if canary and ":" not in canary:
        yield error(
            "radio.canary",
            f"{canary.lower()} is an adapter; a canary is a beacon, by its address",
            f"{canary.lower()}: 어댑터입니다. canary에는 비콘의 주소를 적습니다",
            does,
        )
    for device in home.devices:
        if device.stanza.address.upper() != canary or device.driver is None:
            continue
        if device.connects or device.can.sign_of_life_s is None:
            yield error(
                "radio.canary",
                f"{device.stanza.name} does not advertise all the time: its silence proves "
                "nothing, and would restart an adapter that works",
                f"{device.stanza.name}: 항상 신호를 내는 기기가 아닙니다. 신호가 없다고 정상 "
                "어댑터를 다시 시작하게 됩니다",
                does,
            )
