# Versions: folders under /opt/ansim/versions, each whole or rubble.
# shellcheck shell=bash

current() {
  [ -L "$root/current" ] && basename "$(readlink "$root/current")" || true
}

# turn LINK NAME: point it to a version, in one step.
turn() {
  ln -sfn "versions/$2" "$root/$1.new"
  mv -fT "$root/$1.new" "$root/$1"
}

clear_rubble() {
  local folder
  rm -rf "$root"/wheels.*
  for folder in "$root"/versions/*/; do
    [ ! -d "$folder" ] || [ -e "$folder/.complete" ] || rm -rf "$folder"
  done
}

# The current version and the one before stay; a card has no room for more.
prune() {
  local folder before
  before=$([ -L "$root/previous" ] && basename "$(readlink "$root/previous")" || true)
  rm -rf "$root"/wheels.*
  for folder in "$root"/versions/*/; do
    case $(basename "$folder") in "$(current)" | "$before") ;; *) rm -rf "$folder" ;; esac
  done
}

# Not below /tmp: on a small board that is memory.
fetch_wheels() {
  [ -e "$here/../pyproject.toml" ] || fail no-source
  say fetching
  wheels=$(mktemp -d "$root/wheels.XXXXXX")
  "$here/build_wheels" "$wheels" || fail fetch-failed
}

the_one() {
  local found=("$1"/$2)
  [ ${#found[@]} = 1 ] && [ -e "${found[0]}" ] && echo "${found[0]}"
}

# A version is the project's wheel with the wheels beside it, on one Python.
name_of() {
  local wheel version python print
  wheel=$(the_one "$1" 'ansim_gateway-*.whl') && the_one "$1" 'pip-*.whl' > /dev/null || fail no-wheel "$1"
  version=$(basename "$wheel" | cut -d- -f2)
  python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  print=$({ cat "$wheel" && cd "$1" && ls -- *.whl; } | sha256sum | cut -c1-8)
  echo "$version-py$python-$print"
}

# build NAME WHEELS: at its final path, for scripts and compiled kernels hold it. Without a network,
# and without Debian's python3-venv: pip runs from its own wheel.
build() {
  local folder=$root/versions/$1 pip wheel
  [ ! -e "$folder/.complete" ] || return 0
  say building "$1"
  rm -rf "$folder"
  mkdir -p "$root/versions"
  pip=$(the_one "$2" 'pip-*.whl') && wheel=$(the_one "$2" 'ansim_gateway-*.whl')
  if ! { python3 -m venv --without-pip "$folder" \
    && PIP_CONFIG_FILE=/dev/null "$folder/bin/python" "$pip/pip" --isolated --quiet install --no-index \
      --no-cache-dir --disable-pip-version-check --root-user-action ignore --find-links "$2" "$wheel" \
    && warm_kernels "$folder"; }; then
    rm -rf "$folder"
    fail build-failed "$1"
  fi
  sync -f "$folder"
  touch "$folder/.complete"
}

# The kernels lie in the version's own folder: the daemon takes them from there into its cache, also on
# a read-only root and after going back.
warm_kernels() {
  say warming
  NUMBA_CACHE_DIR=$1/kernels NUMBA_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 nice -n 5 "$1/bin/ansim" warm
}

# This script itself, for a technician who comes without it, and for ansim-settle.service.
keep_installer() {
  [ "$here" != "$root/installer" ] || return 0
  rm -rf "$root/installer.new" "$root/installer.old"
  mkdir "$root/installer.new"
  cp -r "$here/install.sh" "$here/install" "$root/installer.new"
  chmod 755 "$root/installer.new/install.sh"
  [ ! -e "$root/installer" ] || mv "$root/installer" "$root/installer.old"
  mv "$root/installer.new" "$root/installer"
  rm -rf "$root/installer.old"
}
