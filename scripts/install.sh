#!/usr/bin/env bash
# Installs, upgrades and removes a hub's daemon on Debian 12 or 13 and Raspberry Pi OS (64 bit). As root:
#
#   install.sh [--wheels DIR] [--config FILE] [--ready-within SECONDS]   install, or upgrade
#   install.sh rollback                                                  back to the version before
#   install.sh uninstall --keep-data | --erase-data [--even-unsent]      asks when neither is given
#   (all: --lang ko|en)
#
# Exit status: 0 done; 1 nothing was changed, or what failed is said; 2 wrong use; 3 the new version did
# not become READY and the old one runs again.
#
# Theory of operation. Each version is a folder of its own under /opt/ansim/versions (a Python venv with
# its units, examples and compiled kernels), finished by a file `.complete`; what lacks it is rubble of
# an installation that was broken off, and is removed by the next. A version is made the current one by
# placing its units and turning the link /opt/ansim/current, and always in a trial: /opt/ansim/trial
# names the old and the new version from before the first change until the new one has proved itself,
# and whoever finds that file (ansim-settle.service, at the latest after the next boot) finishes the
# trial, one way or the other. So each step may be broken off, by a power cut as well.
set -euo pipefail
umask 022
export LC_CTYPE=C.UTF-8

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
root=/opt/ansim
etc=/etc/ansim
config=$etc/gateway.yaml
state=/var/lib/ansim-gateway
cache=/var/cache/ansim-gateway
unit=ansim-gateway.service
wheels='' given_config='' config_placed='' data='' even_unsent='' within=180

for part in texts machine versions system trial removal; do
  # shellcheck source=/dev/null
  . "$here/install/$part.sh"
done

main() {
  local command=install
  case ${1:-} in install | rollback | uninstall | settle) command=$1 && shift ;; esac
  options "$@"
  [ "$command" = settle ] && { settle && exit 0 || exit 1; }
  require_root
  one_at_a_time
  case $command in
    install) install_or_upgrade ;;
    rollback) go_back ;;
    uninstall) uninstall ;;
  esac
}

options() {
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage 2>&1 && exit 0 ;;
      --wheels | --config | --ready-within | --lang) [ $# -ge 2 ] || wrong_use ;;
    esac
    case $1 in
      --wheels) wheels=$(readlink -e "$2") && [ -d "$wheels" ] || fail no-file "$2" ;;
      --config) given_config=$(readlink -e "$2") && [ -f "$given_config" ] || fail no-file "$2" ;;
      --ready-within) within=$2 ;;
      --lang) reader=$2 && [[ $2 =~ ^(ko|en)$ ]] || wrong_use ;;
      --keep-data | --erase-data) data=${1#--} && data=${data%-data} && shift && continue ;;
      --even-unsent) even_unsent=$1 && shift && continue ;;
      *) wrong_use ;;
    esac
    shift 2
  done
  [[ $within =~ ^[1-9][0-9]*$ ]] || wrong_use
}

usage() {
  sed -n '2,10s/^# \{0,1\}//p' "$here/install.sh" >&2
}

wrong_use() {
  usage
  exit 2
}

# Two installers at once would build and remove in the same folders.
one_at_a_time() {
  exec 9> /run/lock/ansim-install
  flock -n 9 || fail busy
}

install_or_upgrade() {
  check_machine
  finish_trial
  clear_rubble
  local before name
  before=$(current)
  [ -n "$wheels" ] || fetch_wheels
  name=$(name_of "$wheels")
  if [ "$name" = "$before" ]; then
    say already "$name"
  else
    build "$name" "$wheels"
  fi
  make_user "$name"
  place_config "$name"
  accepts_config "$name" || refuse "$name" "$before"
  keep_installer
  switch "$before" "$name"
  prune
  tell_about_machine
}

main "$@"
