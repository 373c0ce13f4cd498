# Removal without a trace; the home's data goes only on a word of its own.
# shellcheck shell=bash

uninstall() {
  [ -e "$root" ] || fail not-installed
  [ ! -e /usr/share/ansim-gateway/wheels ] || [ -n "${DPKG_MAINTSCRIPT_NAME:-}" ] || fail packaged
  [ -n "$data" ] || ask_data
  local was=stop
  booted && systemctl is-active --quiet "$unit" && was=start
  # What a removal that was broken off has taken away already is no reason to end here.
  ! booted || systemctl stop "$unit" ansim-settle.service ansim-clock.service 2> /dev/null || true
  if [ "$data" = erase ] && ! erase_data; then
    [ $was = stop ] || systemctl start "$unit"
    fail not-erased
  fi
  remove_program
  if [ "$data" = keep ]; then
    say data-kept "$state"
  else
    remove_user
  fi
  say removed
}

ask_data() {
  [ -t 0 ] || fail say-data
  local answer
  say ask-data
  read -r answer
  case $answer in erase | 지움) data=erase ;; keep | 보관) data=keep ;; *) fail say-data ;; esac
}

# `ansim erase` overwrites, and refuses while the centre does not have every alarm. What it cannot reach
# (credentials) it names, with the same status; the configuration is gone then.
erase_data() {
  if [ -e "$config" ] && [ -e "$state" ] && ! unedited; then
    "$root/current/bin/ansim" erase --yes --config "$config" $even_unsent --lang "$(language)" || [ ! -e "$config" ] || return 1
  fi
  find "$etc" -type f -exec shred -u {} + 2> /dev/null || true
  rm -rf "$etc" "$state" "/etc/systemd/system/$unit.d"
}

remove_program() {
  local target
  systemctl disable --quiet "$unit" ansim-settle.service 2> /dev/null || true
  while read -r target; do
    rm -f "/etc/$target"
  done < <(cat "$root/placed" 2> /dev/null)
  rm -f /usr/local/bin/ansim /usr/local/sbin/ansim-install
  rm -rf "$cache" /run/ansim-gateway /run/ansim-clock
  while read -r target; do
    rmdir --ignore-fail-on-non-empty "$target" 2> /dev/null || true
  done < <(sort -ru "$root/folders" 2> /dev/null)
  rm -rf "$root" /run/lock/ansim-install
  booted || return 0
  systemctl daemon-reload
  systemctl reset-failed "ansim-*" 2> /dev/null || true
  udevadm control --reload 2> /dev/null || true
  systemctl try-restart systemd-journald.service 2> /dev/null || true
}

# Files of a user who is gone would belong to whoever gets the number next: only without data.
remove_user() {
  userdel ansim 2> /dev/null || true
  groupdel ansim 2> /dev/null || true
}
