"""A fresh Debian root with systemd as PID 1: systemd-nspawn over an overlay in memory.

The root itself (mmdebstrap) is never changed; what a container writes lives in a tmpfs that goes
with it, and outlives a reboot of the container. It shares the machine's network, so that a broker
and a centre outside are where a hub expects them.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

from tests.hub.apart import begun_in, group_of_its_own

# Without a session or a machined of its own: what a CI machine has.
NSPAWN = ("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot")
TOOLS = ("systemd-nspawn", "nsenter", "mount", "mmdebstrap", "mkfs.ext4")
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "en_US"}
PACKAGES = "systemd,systemd-sysv,dbus,udev,polkitd,python3,bluez"
MIRROR = "http://deb.debian.org/debian"


class FailedInsideError(Exception):
    """A command inside ended with another status than was expected."""


def missing() -> list[str]:
    """Return what this machine lacks to run a container."""
    lacks = [tool for tool in TOOLS if shutil.which(tool, path=CLEAN["PATH"]) is None]
    return lacks if os.geteuid() == 0 else [*lacks, "root"]


@contextlib.contextmanager
def partition(directory: Path) -> Iterator[Path]:
    """Make a disk of its own (a file with ext4, mounted), as a technician makes a partition."""
    image, mounted = directory / "partition.img", directory / "partition"
    mounted.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(64 << 20)
    do("mkfs.ext4", "-q", "-F", str(image))
    do("mount", "-o", "loop", str(image), str(mounted))
    try:
        yield mounted
    finally:
        do("umount", "--lazy", str(mounted))


def do(*command: str) -> None:
    """Run a command of this machine that must succeed."""
    subprocess.run(command, check=True, env={**os.environ, "PATH": CLEAN["PATH"]})


def debian(suite: str, architecture: str = "") -> Path:
    """Return a fresh root, made once and then kept; that of another processor needs qemu."""
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ansim-gateway"
    name = f"{suite}-{architecture}" if architecture else suite
    root = base / f"{name}-root"
    if not (root / "etc" / "debian_version").exists():
        shutil.rmtree(root, ignore_errors=True)
        making = base / f"{name}-making-{os.getpid()}"
        base.mkdir(parents=True, exist_ok=True)
        chosen = [f"--include={PACKAGES}"]
        if architecture:
            chosen.append(f"--architectures={architecture}")
        do("mmdebstrap", "--quiet", "--variant=minbase", *chosen, suite, str(making), MIRROR)
        making.rename(root)
    return root


class Container:
    """One machine; `directory` holds its mounts. Use `Container.running`, or boot and stop."""

    patience_s = 120.0  # a boot takes one second, on a machine with nothing else to do

    def __init__(self, root: Path, directory: Path, binds: Mapping[Path, str]) -> None:
        self._root, self._directory, self._binds = root, directory, binds
        self.tree = directory / "tree"
        self.log = directory / "console.log"
        self.groups: tuple[Path, ...] = ()
        self._process: asyncio.subprocess.Process | None = None
        self._leader = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def running(
        cls, root: Path, directory: Path, binds: Mapping[Path, str]
    ) -> AsyncIterator["Container"]:
        """Boot a container, and leave nothing of it behind."""
        container = cls(root, directory, binds)
        with group_of_its_own(f"ansim-container-{os.getpid()}-{id(container):x}") as groups:
            container.groups = groups
            container.mount()
            try:
                await container.boot()
                yield container
            finally:
                await container.stop()
                container.unmount()

    def mount(self) -> None:
        """Lay an empty tmpfs over the root."""
        memory = self._directory / "memory"
        for folder in (memory, self.tree):
            folder.mkdir(parents=True)
        do("mount", "-t", "tmpfs", "-o", "size=3G", "tmpfs", str(memory))
        for name in ("upper", "work"):
            (memory / name).mkdir()
        layers = f"lowerdir={self._root},upperdir={memory}/upper,workdir={memory}/work"
        do("mount", "-t", "overlay", "overlay", "-o", layers, str(self.tree))

    def unmount(self) -> None:
        """Take both away."""
        for folder in (self.tree, self._directory / "memory"):
            do("umount", "--lazy", str(folder))

    async def boot(self, *more: str) -> None:
        """Boot and wait until systemd has started everything; `more`: options of nspawn."""
        binds = [f"--bind={outside}:{inside}" for outside, inside in self._binds.items()]
        command = (*NSPAWN, f"--directory={self.tree}", *binds, *more)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *begun_in(self.groups, command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(self.patience_s):
            while not await self._up():
                if self._process.returncode is not None:
                    raise FailedInsideError(self.log.read_text()[-2000:])
                await asyncio.sleep(0.1)

    async def _up(self) -> bool:
        self._leader = self._first_child()  # a helper of nspawn's at first
        if not self._leader:
            return False
        state = await self.try_run("systemctl", "is-system-running")
        return state[1].strip() in {"running", "degraded"}

    def _first_child(self) -> int:
        assert self._process is not None
        pid = self._process.pid
        with contextlib.suppress(OSError):
            if children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                return int(children[0])
        return 0

    async def cut(self) -> None:
        """End everything at once, as a power cut does."""
        assert self._process is not None
        os.kill(self._leader, signal.SIGKILL)
        await self._process.wait()
        self._leader = 0

    async def stop(self) -> None:
        """Shut down as a machine does; kill what does not."""
        if self._process is None or self._process.returncode is not None or not self._leader:
            return
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            os.kill(self._leader, 34 + 4)  # SIGRTMIN+4: poweroff.target
            await asyncio.wait_for(self._process.wait(), 30)
        if self._process.returncode is None:  # an emulated systemd does not understand the signal
            self._process.kill()
            await self._process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._leader, signal.SIGKILL)  # and everything in it ends with it
        self._leader = 0

    async def try_run(
        self, *command: str, environment: Mapping[str, str] | None = None, stdin: bytes = b""
    ) -> tuple[int, str]:
        """Run a command inside; its status, and what it said on both outputs."""
        given = [f"{name}={value}" for name, value in {**CLEAN, **(environment or {})}.items()]
        process = await asyncio.create_subprocess_exec(
            *("nsenter", "--target", str(self._leader), "--all", "env", "-i", *given, *command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate(stdin)
        assert process.returncode is not None
        return process.returncode, said.decode(errors="replace")

    async def run(
        self, *command: str, status: int = 0, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a command inside that must end with `status`; return what it said."""
        ended, said = await self.try_run(*command, environment=environment)
        if ended != status:
            raise FailedInsideError(f"{' '.join(command)} -> {ended}, not {status}:\n{said}")
        return said

    async def show(self, unit: str, what: str) -> str:
        """Return one property of a unit."""
        return (await self.run("systemctl", "show", "--value", f"--property={what}", unit)).strip()

    def write(self, path: str, text: str) -> None:
        """Write a file of the container."""
        file = self.tree / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def files(tree: Path, *, apart: Sequence[str] = ()) -> dict[str, object]:
    """Return every file, link and folder of a tree with its content, but those below `apart`."""
    found: dict[str, object] = {}
    for path in sorted(tree.rglob("*")):
        name = f"/{path.relative_to(tree)}"
        if any(name == one or name.startswith(f"{one}/") for one in apart):
            continue
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else "folder"
    return found
