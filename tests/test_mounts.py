"""Whether a reboot keeps what is written to a path, by tables of mounts as kernels show them."""

from pathlib import Path

import pytest

from gateway.mounts import Mount, forgotten, here, parse

HUB = Path("/var/lib/ansim-gateway")
CARD = "25 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw"
# As overlayroot (Debian, Raspberry Pi OS since bookworm) leaves it: card below, memory above.
OVERLAYROOT = (
    "22 28 179:2 / /media/root-ro ro,relatime shared:2 - ext4 /dev/mmcblk0p2 ro\n"
    "23 28 0:22 / /media/root-rw rw,relatime shared:3 - tmpfs tmpfs-root rw\n"
    "28 0 0:23 / / rw,relatime shared:1 - overlay overlayroot rw,lowerdir=/media/root-ro,"
    "upperdir=/media/root-rw/overlay,workdir=/media/root-rw/overlay-workdir/_"
)
# Made before this system began to run: its upper folder is nowhere to be seen.
HIDDEN = (
    "28 0 0:23 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/lower,"
    "upperdir=/upper/data,workdir=/upper/work\n"
    "31 28 0:26 / /tmp rw,nosuid shared:9 - tmpfs tmpfs rw"
)
OWN = "40 28 179:3 / /var/lib/ansim-gateway rw,noatime shared:20 - ext4 /dev/mmcblk0p3 rw"


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        (CARD, True),
        (OVERLAYROOT, False),
        (f"{OVERLAYROOT}\n{OWN}", True),
        (OVERLAYROOT.replace("tmpfs tmpfs-root", "ext4 /dev/sda1"), True),
        (HIDDEN, False),
        (f"{HIDDEN}\n{OWN}", True),
        (f"{CARD}\n31 25 0:26 / /var rw - tmpfs tmpfs rw", False),
        (f"{CARD}\n31 25 0:26 / /var/lib rw - ext4 /dev/zram0 rw", False),
        (f"{CARD}\n31 25 0:26 / /var/lib/ansim rw - tmpfs tmpfs rw", True),
        ("28 0 0:23 / / ro - overlay overlay ro,lowerdir=/a:/b", True),
        ("", True),
    ],
    ids=[
        "a card",
        "memory over the card",
        "memory over the card, a partition for the hub",
        "a disk over the card",
        "memory from before the boot",
        "memory from before the boot, a partition for the hub",
        "memory somewhere above the hub's folder",
        "a disk made of memory",
        "a folder with a name that only begins alike",
        "an overlay that nothing can be written to",
        "nothing known",
    ],
)
def test_a_reboot_keeps_what_is_not_in_memory(table: str, kept: bool) -> None:  # noqa: FBT001
    assert (forgotten(HUB, parse(table)) is None) is kept


def test_of_two_mounts_at_one_place_the_later_counts() -> None:
    memory = "41 40 0:30 / /var/lib/ansim-gateway rw - tmpfs tmpfs rw"
    assert forgotten(HUB, parse(f"{CARD}\n{OWN}\n{memory}")) is not None
    assert forgotten(HUB, parse(f"{CARD}\n{memory}\n{OWN}")) is None


def test_what_is_returned_is_where_the_path_lies_not_what_lies_below() -> None:
    found = forgotten(HUB, parse(OVERLAYROOT))
    assert found is not None
    assert (found.kind, found.point) == ("overlay", Path("/"))


def test_a_link_is_followed_before_the_table_is_asked(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "hub").symlink_to(tmp_path / "disk")
    memory = Mount(tmp_path / "disk", "tmpfs", "tmpfs")
    assert forgotten(tmp_path / "hub", [memory]) is memory


def test_blanks_in_a_mount_point_are_read() -> None:
    (mount,) = parse(
        r"40 28 8:1 / /mnt/my\040disk rw master:3 propagate_from:2 - vfat /dev/a\040b rw"
    )
    assert mount == Mount(Path("/mnt/my disk"), "vfat", "/dev/a b")


def test_nonsense_in_the_table_is_passed_over() -> None:
    assert parse("nonsense\n\n1 2 3 - x\n") == ()


def test_this_process_has_a_root() -> None:
    assert Path("/") in {mount.point for mount in here()}
