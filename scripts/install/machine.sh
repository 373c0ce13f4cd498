# What the machine is and what it lacks.
# shellcheck shell=bash
needed_mb=700 # a version takes 390 MB, its wheels 95

require_root() {
  [ "$(id -u)" = 0 ] || fail root "$0"
}

booted() {
  [ -d /run/systemd/system ]
}

check_machine() {
  local arch free name version
  # shellcheck source=/dev/null
  read -r name version < <(. /etc/os-release && echo "${ID:-} ${VERSION_ID:-99}")
  case $name in debian | raspbian) ;; *) fail not-debian "$name" ;; esac
  [ "${version%%.*}" -ge 12 ] || fail not-debian "$name $version"
  arch=$(dpkg --print-architecture)
  case $arch in amd64 | arm64) ;; *) fail not-64 "$arch" ;; esac
  add_packages
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || fail no-python
  mkdir -p "$root"
  free=$(df --output=avail -BM "$root" | tail -1 | tr -dc 0-9)
  [ "$free" -ge "$needed_mb" ] || fail no-space "$free" "$needed_mb"
}

# Debian's own packages that the daemon needs beside it. Building wheels needs ensurepip as well.
add_packages() {
  local missing=() package
  for package in python3 bluez dbus polkitd; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed || missing+=("$package")
  done
  [ -n "$wheels" ] || python3 -c 'import ensurepip' 2> /dev/null || missing+=(python3-venv)
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ -n "$wheels" ]; then
    say packages-missing "${missing[*]}" >&2
    return 0
  fi
  say packages "${missing[*]}"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"; } \
    > /dev/null || fail packages-failed "${missing[*]}"
}

# Raspberry Pi OS boots with cgroup_disable=memory; MemoryMax= is then silently without effect.
memory_cgroup() {
  local version_2=${1:-/sys/fs/cgroup/cgroup.controllers} version_1=${2:-/proc/cgroups}
  if [ -e "$version_2" ]; then
    grep -qw memory "$version_2"
  else
    awk '$1 == "memory" { found = $4 } END { exit found != 1 }' "$version_1"
  fi
}

cmdline_file() {
  local file
  for file in /boot/firmware/cmdline.txt /boot/cmdline.txt; do
    [ -e "$file" ] && echo "$file" && return
  done
  echo "/etc/default/grub (GRUB_CMDLINE_LINUX)"
}

tell_about_machine() {
  booted || return 0
  memory_cgroup || say no-memory-cgroup "$(cmdline_file)"
  [ -e /dev/watchdog ] || say no-watchdog
  tell_about_memory
}

# A system under an overlay of memory takes every write and forgets it at the next boot: what the home
# needs to keep, the bonds of bluetoothd, and what this script itself has just installed.
tell_about_memory() {
  local folder on
  for folder in "$state" /var/lib/bluetooth "$root"; do
    on=$("$root/current/bin/python" -m gateway.mounts "$folder") || return 0
    [ -z "$on" ] || say in-memory "$folder" "$on"
  done
}
