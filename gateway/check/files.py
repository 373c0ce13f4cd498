"""Rules about files: bind keys, passwords, the database's directory. Contents are never shown."""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from gateway.check.finding import Equipped, Finding, Home, error, note, warning
from gateway.mounts import Mount, forgotten
from gateway.option import Text
from gateway.secret import UnreadableSecret, locate, read_bind_key, read_secret

WHY: Mapping[str, Text] = MappingProxyType(
    {
        "missing": Text("no such file", "파일이 없습니다"),
        "closed": Text("no permission to read it", "읽을 권한이 없습니다"),
        "unreadable": Text("cannot be read", "읽을 수 없습니다"),
        "empty": Text("is empty", "빈 파일입니다"),
        "too-large": Text("is far too large", "너무 큽니다"),
        "not-text": Text("is not a text file", "텍스트 파일이 아닙니다"),
        "not-one-line": Text("must hold one line", "한 줄이어야 합니다"),
        "not-a-key": Text("holds no key of 32 hex digits", "16진수 32자 키가 아닙니다"),
    }
)


def files(home: Home) -> Iterator[Finding]:
    """Look at the passwords and at the database's place (keys go with their devices)."""
    for number, broker in enumerate(home.settings.uplink.brokers, start=1):
        if broker.password_file is not None:
            key = f"uplink.brokers[#{number}].password_file"
            try:
                read_secret(broker.password_file, home.environ)
            except UnreadableSecret as problem:
                yield unreadable(key, problem)
            yield from open_to_others(key, broker.password_file, home.environ)
    yield from _directory(home.settings.store.directory, home.settings.store.max_mb)
    yield from _kept(home.settings.store.directory, home.mounts)
    yield from _announcer(home.settings.announcer.command)


def bind_key(device: Equipped, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at one device's bind key: needed, given, readable, closed to others."""
    path, needs = device.stanza.key_file, device.driver.needs_key if device.driver else "maybe"
    key = f"{device.key}.key_file"
    if path is None:
        if needs == "always":
            yield error(
                device.key,
                f"{device.stanza.driver} cannot be read without its bind key",
                f"{device.stanza.driver}: 바인드 키 없이는 읽을 수 없습니다",
                Text(
                    f"key_file: keys/{device.stanza.name}.key (32 hex digits)",
                    f"key_file: keys/{device.stanza.name}.key (16진수 32자)",
                ),
            )
        return
    if needs == "never":
        yield warning(
            key,
            f"{device.stanza.driver} uses no key: it is ignored",
            f"{device.stanza.driver}: 키를 쓰지 않으므로 무시됩니다",
        )
        return
    try:
        read_bind_key(path, environ)
    except UnreadableSecret as problem:
        yield unreadable(key, problem)
    yield from open_to_others(key, path, environ)


def unreadable(key: str, problem: UnreadableSecret) -> Finding:
    """Return what is said of a file that cannot be read."""
    if problem.why == "no-credentials":
        return note(
            key,
            f"{problem.path} can be read by the service only; not looked at here",
            f"{problem.path}: 서비스만 읽을 수 있어 여기서는 확인하지 못했습니다",
        )
    why = WHY.get(problem.why, WHY["unreadable"])
    do = None
    if problem.why == "closed":
        do = Text(
            "run the check as the service's user, or LoadCredential= in its unit",
            "서비스 사용자로 확인하거나 유닛에 LoadCredential=을 쓰십시오",
        )
    return error(key, f"{problem.path}: {why.en}", f"{problem.path}: {why.ko}", do)


def open_to_others(key: str, path: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Warn of a secret that everybody on this machine can read."""
    try:
        found = locate(path, environ)
        mode = found.stat().st_mode
    except (UnreadableSecret, OSError, ValueError):
        return
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        yield warning(
            key,
            f"{found}: everybody on this machine can read it (mode {stat.S_IMODE(mode):04o})",
            f"{found}: 이 기기의 누구나 읽을 수 있습니다(권한 {stat.S_IMODE(mode):04o})",
            Text(f"chmod o-rwx {found}", f"chmod o-rwx {found}"),
        )


def _directory(path: Path, max_mb: int) -> Iterator[Finding]:
    key, mode = "store.directory", _mode(path)
    if mode is not None and not stat.S_ISDIR(mode):
        yield error(key, f"{path} is no directory", f"{path}: 디렉터리가 아닙니다")
        return
    above = next(p for p in (path, *path.parents, Path("/")) if _mode(p) is not None)
    can = os.access(above, os.W_OK | os.X_OK)
    if mode is None:
        yield (note if can else warning)(
            key,
            f"{path} does not exist yet" + ("" if can else f", and {above} is not writable here"),
            f"{path}: 아직 없습니다" + ("" if can else f". {above}에 쓸 권한도 없습니다"),
            Text(
                "the unit's StateDirectory= makes /var/lib/ansim-gateway",
                "유닛의 StateDirectory=가 /var/lib/ansim-gateway를 만듭니다",
            ),
        )
    elif not can:
        yield warning(
            key,
            f"{path} is not writable for the user of this check; the service's user must be",
            f"{path}: 현재 사용자는 쓸 수 없습니다. 서비스 사용자는 쓸 수 있어야 합니다",
        )
    free_mb = shutil.disk_usage(above).free // 1_000_000
    if free_mb < max_mb:
        yield warning(
            "store.max_mb",
            f"{above} has {free_mb} MB free, the database may take {max_mb} MB",
            f"{above}의 여유 공간 {free_mb} MB, 데이터베이스 최대 {max_mb} MB",
        )


def _kept(path: Path, mounts: tuple[Mount, ...]) -> Iterator[Finding]:
    """Warn of a database that lies in memory: nothing fails there, until the next boot."""
    if (on := forgotten(path, mounts)) is not None:
        where = f"{on.kind}, {on.point}"
        yield warning(
            "store.directory",
            f"{path} lies in memory ({where}): unsent alarms and all that was learnt are lost at "
            "each restart",
            f"{path}: 메모리에 있습니다({where}). 재시작할 때마다 보내지 못한 경보와 학습한 내용이 "
            "사라집니다",
            Text(
                f"mount a partition of its own at {path} (README: Read-only root)",
                f"{path}에 별도의 파티션을 마운트하십시오(README: Read-only root)",
            ),
        )


def _mode(path: Path) -> int | None:
    """Return what a path is, or None when it is not there or hidden from this user."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return None


def _announcer(command: tuple[str, ...]) -> Iterator[Finding]:
    if command and shutil.which(command[0]) is None:
        yield error(
            "announcer.command",
            f"{command[0]}: no such program, or it cannot be run: nobody would be told",
            f"{command[0]}: 프로그램이 없거나 실행할 수 없습니다. 아무도 알림을 듣지 못합니다",
        )
