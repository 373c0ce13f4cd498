"""A hub's life moved to another: identity, keys, learnt routine, open alarms, bonds, in one file.

    old hub (daemon stopped)  ansim replace pack FILE    ──► FILE, sealed with a passphrase
    new hub (daemon stopped)  ansim replace unpack FILE  ◄──

What was sent and not yet stored keeps its key and is repeated under it, so nothing is stored twice.
What comes from then on is counted in a new epoch, begun when the file is unpacked: a file that is
unpacked again after months (the new hub died too) would give out numbers that the centre has, and
their alarms would never be `stored`. The old hub must never speak again: its store is marked
`moved`, and a daemon refuses it.

Files keep the names of their owner and group, for the daemon that must read them is not root.

The file is a tar, sealed by AES-GCM under a key that scrypt makes of the passphrase: it holds every
secret of the home.

    magic 8 | salt 16 | nonce 12 | ciphertext with its tag
"""

import contextlib
import io
import json
import os
import random
import re
import sqlite3
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gateway.clock import SystemClock
from gateway.core.ulid import Ulids
from gateway.edge.alone import alone
from gateway.edge.database import NAME
from gateway.edge.owners import give
from gateway.edge.tables import begin_anew
from gateway.errors import HubError
from gateway.secret import CREDENTIAL, Secret
from gateway.settings import Settings

MAGIC = b"ANSIMHO1"
SALT, NONCE = 16, 12
MOVED = "moved"
MANIFEST, DATABASE = "manifest.json", "hub.db"
BLUETOOTH = Path("/var/lib/bluetooth")
ADAPTER = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")


class HandoverError(HubError):
    """The hub cannot be packed, or the file cannot be unpacked, and why."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What went over: files by their paths, bonds by address, and credentials that could not."""

    files: tuple[Path, ...]
    bonds: tuple[str, ...]
    left_behind: tuple[str, ...]


def secret_files(settings: Settings) -> Iterator[Path]:
    """Yield every file that the settings name, each once."""
    named = [stanza.key_file for stanza in settings.devices]
    for broker in settings.uplink.brokers:
        named += [broker.ca_file, broker.cert_file, broker.key_file, broker.password_file]
    yield from dict.fromkeys(path for path in named if path is not None)


def refuse_moved(directory: Path) -> None:
    """Raise HubError for a store whose hub lives elsewhere now."""
    if (directory / MOVED).exists():
        raise HubError(
            f"{directory}: this hub has been replaced, another one speaks for it; take it out of "
            "service with `ansim erase` / 이미 교체된 허브입니다: `ansim erase`로 폐기하십시오"
        )


def pack(
    settings: Settings, config: Path, out: Path, passphrase: Secret, bluetooth: Path = BLUETOOTH
) -> Moved:
    """Write a hub into `out` and mark its store as moved; HubError while its daemon runs."""
    directory = settings.store.directory
    with alone(directory):
        refuse_moved(directory)
        files = [config, *secret_files(settings)]
        here = [path for path in files if not str(path).startswith(CREDENTIAL)]
        bonded = {str(path.relative_to(bluetooth)): path for path in bonds(settings, bluetooth)}
        moved = Moved(
            tuple(here),
            tuple(sorted({Path(name).parts[1] for name in bonded})),
            tuple(str(path) for path in files if path not in here),
        )
        manifest = {
            "hub": settings.hub.id,
            "store": str(directory),
            "files": [str(path.resolve()) for path in here],
            "left_behind": list(moved.left_behind),
        }
        tar = io.BytesIO()
        try:
            with tarfile.open(fileobj=tar, mode="w:gz") as archive:
                _add(archive, MANIFEST, config, json.dumps(manifest).encode())
                _add(archive, DATABASE, directory / NAME, _database(directory))
                for number, path in enumerate(here):
                    _add(archive, f"file/{number}", path, path.read_bytes())
                for name, path in bonded.items():
                    _add(archive, f"bond/{name}", path, path.read_bytes())
            _write(out, _sealed(tar.getvalue(), passphrase))
            _write(directory / MOVED, f"moved into {out.name}\n".encode())
        except OSError as error:
            raise HandoverError(f"{error}") from error
    return moved


def unpack(
    bundle: Path,
    passphrase: Secret,
    *,
    root: Path = Path("/"),
    bluetooth: Path = BLUETOOTH,
    adapter: str = "",
) -> Moved:
    """Make this machine the hub that `bundle` holds; refuses where one lives already.

    root: another file system than this machine's (an SD card that is being prepared).
    adapter: address of the new hub's Bluetooth adapter; bonds go to it ("" leaves them out).
    """
    if adapter and not ADAPTER.fullmatch(adapter):
        raise HandoverError(
            f"--adapter {adapter!r}: an address like 00:11:22:33:44:55 (bluetoothctl list) / "
            "어댑터 주소가 아닙니다"
        )
    try:
        plain = _opened(bundle.read_bytes(), passphrase)
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:gz") as archive:
            manifest = json.loads(_read(archive, MANIFEST))
            directory = _under(root, manifest["store"])
            if (directory / NAME).exists():
                raise HandoverError(
                    f"{directory}: a hub lives here already: `ansim erase` it first / "
                    "이미 허브 데이터가 있습니다"
                )
            paths = [_under(root, name) for name in manifest["files"]]
            for number, path in enumerate(paths):
                _write(path, _read(archive, f"file/{number}"))
                give(path, archive.getmember(f"file/{number}"), root, shared=True)
            devices = _restore_bonds(archive, bluetooth, adapter)
            # Last: a store that is there belongs to a hub that is whole.
            owner = archive.getmember(DATABASE)
            _restore_database(directory, _read(archive, DATABASE), owner, root)
    except (OSError, tarfile.TarError, sqlite3.Error, KeyError, ValueError) as error:
        raise HandoverError(f"{bundle}: {error}") from error
    return Moved(tuple(paths), devices, tuple(manifest["left_behind"]))


# ------------------------------------------------------------------------------------ the parts
def _database(directory: Path) -> bytes:
    """Return the database with its log folded in."""
    path = directory / NAME
    if not path.exists():
        raise HandoverError(f"{path}: there is no hub here / 허브 데이터가 없습니다")
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            return db.serialize()
    except sqlite3.Error as error:
        raise HandoverError(f"{path}: {error}") from error


def _restore_database(directory: Path, data: bytes, owner: tarfile.TarInfo, root: Path) -> None:
    """Put the database in its place, with an epoch of its own (see the module)."""
    coming = directory / f"{NAME}.coming"
    _write(coming, data)
    epoch = Ulids(random.SystemRandom().getrandbits).new(SystemClock().now().wall_ms)
    with contextlib.closing(sqlite3.connect(coming, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")  # nothing of it in a log that stays behind
        db.execute("PRAGMA synchronous = FULL")
        begin_anew(db, epoch)
    directory.chmod(0o700)
    for path in (directory, coming):
        give(path, owner, root)
    coming.rename(directory / NAME)


def bonds(settings: Settings, bluetooth: Path = BLUETOOTH) -> Iterator[Path]:
    """Yield BlueZ's files about this home's devices: <adapter>/<device>/<file>."""
    wanted = {stanza.address.upper() for stanza in settings.devices}
    if bluetooth.is_dir():
        for path in sorted(bluetooth.glob("*/*/*")):
            if path.is_file() and path.parent.name.upper() in wanted:
                yield path


def _restore_bonds(archive: tarfile.TarFile, bluetooth: Path, adapter: str) -> tuple[str, ...]:
    devices = set()
    for member in archive.getnames():
        if member.startswith("bond/") and adapter:
            device, name = Path(member).parts[-2:]
            _write(bluetooth / adapter.upper() / device / name, _read(archive, member))
            devices.add(device)
    return tuple(sorted(devices))


def _under(root: Path, name: str) -> Path:
    return root / Path(name).relative_to("/")


def _add(archive: tarfile.TarFile, name: str, path: Path, data: bytes) -> None:
    """Add `data` under `name`, with mode and owner of the file at `path`."""
    member = archive.gettarinfo(path, name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads, down to the disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _key(passphrase: Secret, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.reveal().encode())


def _sealed(plain: bytes, passphrase: Secret) -> bytes:
    salt, nonce = os.urandom(SALT), os.urandom(NONCE)
    return MAGIC + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, plain, MAGIC)


def _opened(sealed: bytes, passphrase: Secret) -> bytes:
    start = len(MAGIC)
    if sealed[:start] != MAGIC:
        raise HandoverError("this is no packed hub / 허브 이전 파일이 아닙니다")
    salt, nonce = sealed[start : start + SALT], sealed[start + SALT : start + SALT + NONCE]
    try:
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, sealed[start + SALT + NONCE :], MAGIC)
    except InvalidTag:
        raise HandoverError("wrong passphrase or damaged / 암호 오류 또는 손상") from None
