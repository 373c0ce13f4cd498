"""Rules about single devices and about their number: addresses, keys, roles, connections."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.check.files import bind_key
from gateway.check.finding import Equipped, Finding, Home, error, note, warning
from gateway.option import Text
from gateway.settings import ROLE_HELP, Role, ScanMode

# Which of its readings a device needs to play a role; a role without entry needs none.
ROLE_NEEDS: Mapping[Role, tuple[str, ...]] = MappingProxyType(
    {
        Role.SOS: ("Button",),
        Role.CANCEL: ("Button",),
        Role.SOS_CANCEL: ("Button",),
        Role.DOOR: ("Contact",),
        Role.INNER_DOOR: ("Contact",),
        Role.WINDOW: ("Contact",),
        Role.CUPBOARD: ("Contact", "Motion"),
        Role.BED: ("Occupied", "Contact", "Motion"),
        Role.CHAIR: ("Occupied", "Contact", "Motion"),
        Role.FLUSH: ("Contact", "Motion"),
    }
)
# Connections that common adapters really hold (CSR 5, Broadcom 7): bleak-retry-connector PR 67.
SURE_CONNECTIONS = 5
WITNESSES = 2


def devices(home: Home) -> Iterator[Finding]:
    """Look at each device, then at all of them."""
    if not home.devices:
        yield error(
            "devices",
            "no device is configured: this hub would watch nothing",
            "기기가 없습니다. 이 허브는 아무것도 살피지 못합니다",
            Text("`ansim scan` shows what is in reach", "`ansim scan`으로 주변 기기 확인"),
        )
    for device in home.devices:
        yield from _driver(device)
        yield from bind_key(device, home.environ)
        yield from _role(device)
    yield from _addresses(home)
    yield from _connections(home)
    yield from _scanning(home)
    yield from _witnesses(home)
    yield from _forgeable(home)
    yield from _buttons(home)


def _driver(device: Equipped) -> Iterator[Finding]:
    if device.driver is None:
        yield error(
            f"{device.key}.driver",
            f"there is no driver “{device.stanza.driver}”",
            f"“{device.stanza.driver}” 드라이버가 없습니다",
            Text("`ansim drivers` lists them", "`ansim drivers`로 목록을 보십시오"),
        )
    if device.fault:
        yield error(f"{device.key}.options", device.fault, device.fault)


def _role(device: Equipped) -> Iterator[Finding]:
    role, needs = device.stanza.role, ROLE_NEEDS.get(device.stanza.role)
    if device.driver is None or device.fault or not needs or device.gives(*needs):
        return
    can = ", ".join(device.can.provides) or "-"
    help_ = ROLE_HELP[role]
    yield error(
        f"{device.key}.role",
        f"role “{role}” ({help_.en}) needs {' or '.join(needs)}; {device.driver.name} gives {can}",
        f"역할 “{role}”({help_.ko}): {' 또는 '.join(needs)} 필요. {device.driver.name} 제공: {can}",
    )


def _addresses(home: Home) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for device in home.devices:
        address = device.stanza.address.upper()
        if address in first:
            yield error(
                f"{device.key}.address",
                f"{first[address]} has the same address: one of the two is not what it says",
                f"{first[address]} 기기와 주소가 같습니다. 둘 중 하나는 잘못 적혔습니다",
            )
        first.setdefault(address, device.stanza.name)


def _connections(home: Home) -> Iterator[Finding]:
    names = [device.stanza.name for device in home.devices if device.connects]
    allowed = home.settings.radio.max_connections
    if len(names) > allowed:
        listed = ", ".join(names)
        yield error(
            "radio.max_connections",
            f"{len(names)} devices need a connection ({listed}) but only {allowed} are allowed: "
            "some would never be heard",
            f"연결이 필요한 기기가 {len(names)}대({listed})인데 허용은 {allowed}대입니다",
            Text(
                f"max_connections: {len(names)} (if the adapter holds them), or another hub",
                f"max_connections: {len(names)} (어댑터가 가능하면) 또는 허브 추가",
            ),
        )
    elif allowed > SURE_CONNECTIONS:
        yield note(
            "radio.max_connections",
            f"{allowed} connections: many adapters fail above {SURE_CONNECTIONS}",
            f"연결 {allowed}개: {SURE_CONNECTIONS}개를 넘으면 실패하는 어댑터가 많습니다",
        )


def _scanning(home: Home) -> Iterator[Finding]:
    adverts = [d.stanza.name for d in home.devices if d.driver is not None and d.driver.adverts]
    if home.settings.radio.scan is ScanMode.PASSIVE and adverts:
        yield warning(
            "radio.scan",
            f"a passive scan may never hear some sensors ({', '.join(adverts)}): use it only when "
            "`ansim scan` has shown each of them",
            f"passive 스캔은 일부 센서({', '.join(adverts)})를 듣지 못할 수 있습니다. "
            "`ansim scan`으로 모두 확인한 뒤에만 쓰십시오",
            Text("scan: active", "scan: active"),
        )


def _witnesses(home: Home) -> Iterator[Finding]:
    """Say so where nobody's silence would prove that the adapter is deaf (gateway.edge.hearing)."""
    promised = [
        device.stanza.name
        for device in home.devices
        if device.can.sign_of_life_s is not None and not device.connects
    ]
    if len(promised) < WITNESSES and not home.settings.radio.canary and home.devices:
        yield note(
            "radio.canary",
            "fewer than two sensors give signs of life: without neighbours nothing proves that the "
            "adapter hears",
            "주기 신호를 내는 센서가 두 대 미만입니다. "
            "이웃 기기가 없으면 어댑터 이상을 알 수 없습니다",
            Text(
                "switch beacons on, or name any beacon within reach: radio: {canary: ...}",
                "비콘 모드를 켜거나 항상 들리는 비콘을 지정하십시오: radio: {canary: ...}",
            ),
        )


def _forgeable(home: Home) -> Iterator[Finding]:
    plain = [
        device.stanza.name
        for device in home.devices
        if device.driver and device.driver.needs_key == "maybe" and not device.stanza.key_file
    ]
    if plain:
        yield note(
            "devices",
            f"{', '.join(plain)}: not encrypted; whoever is within radio range can imitate them",
            f"{', '.join(plain)}: 암호화되지 않아 전파 범위 안의 누구나 흉내 낼 수 있습니다",
            Text("switch encryption on and give key_file", "암호화를 켜고 key_file을 지정하십시오"),
        )


def _buttons(home: Home) -> Iterator[Finding]:
    roles = {device.stanza.role for device in home.devices}
    buttons = [device.stanza.name for device in home.devices if device.gives("Button")]
    if not roles & {Role.SOS, Role.SOS_CANCEL}:
        spare = f" ({', '.join(buttons)}?)" if buttons else ""
        yield warning(
            "devices",
            "no SOS button: the resident cannot call for help",
            "SOS 버튼이 없습니다. 어르신이 도움을 요청할 수 없습니다",
            Text(f"role: sos on a button{spare}", f"버튼에 role: sos{spare}"),
        )
