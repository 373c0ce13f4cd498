# The trial of a version: it becomes READY and stays up, or the old one comes back.
# shellcheck shell=bash
soak=5 # seconds that a version which said READY has to live on

# switch OLD NEW: make NEW the current version. OLD may be empty, or NEW itself (a repair).
switch() {
  if ! booted || unedited || ! systemctl is-enabled --quiet "$unit" 2> /dev/null; then
    activate "$2"
    [ -z "$1" ] || [ "$1" = "$2" ] || turn previous "$1"
    start_first "$1" "$2"
    return
  fi
  try "${1:-none}" "$2"
}

# A version that nothing has run before it: enabled when there is a configuration for it.
start_first() {
  if ! booted; then
    unedited || systemctl enable --quiet "$unit"
    systemctl enable --quiet ansim-settle.service
    say image "$2"
  elif unedited; then
    say edit "$config"
  elif [ -n "$1" ]; then
    say switched "$2"
  else
    systemctl enable --quiet "$unit"
    try none "$2"
  fi
}

try() {
  systemctl enable --quiet ansim-settle.service 2> /dev/null || true
  rm -f "$root/outcome"
  echo "$1 $2 $within" > "$root/trial.new"
  mv -f "$root/trial.new" "$root/trial"
  sync -f "$root/trial"
  [ -e "/etc/systemd/system/ansim-settle.service" ] || [ -e "/usr/lib/systemd/system/ansim-settle.service" ] || activate "$2"
  say trying "$2" "$within"
  systemctl start ansim-settle.service 2> /dev/null || true
  tell_outcome
}

tell_outcome() {
  local what from to
  read -r what from to < "$root/outcome" || return 1
  case $what in
    ready) say ready "$to" ;;
    back) say went-back "$to" "$from" >&2 && prune && exit 3 ;;
    neither) say both-failed "$to" "$from" >&2 && exit 3 ;;
    first) fail first-failed "$to" ;;
  esac
}

finish_trial() {
  [ -e "$root/trial" ] || return 0
  say interrupted
  if booted; then
    systemctl start ansim-settle.service || true
    (tell_outcome) || true
  else
    activate "$(cut -d' ' -f2 "$root/trial")"
    rm -f "$root/trial"
  fi
}

# Run by ansim-settle.service.
settle() {
  local from to
  [ -e "$root/trial" ] || return 0
  read -r from to within < "$root/trial"
  if [ -e "$root/versions/$to/.complete" ] && proves_itself "$to"; then
    [ "$from" = none ] || [ "$from" = "$to" ] || turn previous "$from"
    outcome ready "$from" "$to"
  elif [ "$from" = none ] || [ "$from" = "$to" ]; then
    outcome first "$from" "$to"
  elif proves_itself "$from"; then
    rm -f "$root/versions/$to/.complete"
    outcome back "$from" "$to"
  else
    outcome neither "$from" "$to"
  fi
}

outcome() {
  echo "$@" > "$root/outcome"
  rm -f "$root/trial"
  (tell_outcome) || true
  case $1 in ready | back) ;; *) return 1 ;; esac
}

proves_itself() {
  if [ "$(current)" != "$1" ] || ! runs "$1"; then
    activate "$1"
    timeout "$within" systemctl restart "$unit" || return 1
  fi
  local pid second
  pid=$(systemctl show -P MainPID "$unit")
  for ((second = 0; second < soak; second++)); do
    sleep 1
    systemctl is-active --quiet "$unit" && [ "$(systemctl show -P MainPID "$unit")" = "$pid" ] || return 1
  done
}

# runs NAME: whether the daemon that is READY now is of this version, as after a boot in mid-trial.
runs() {
  local pid
  systemctl is-active --quiet "$unit" || return 1
  pid=$(systemctl show -P MainPID "$unit")
  tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF "$root/versions/$1/"
}

go_back() {
  [ -L "$root/current" ] || fail not-installed
  finish_trial
  [ -L "$root/previous" ] || fail nothing-before
  local before=$(basename "$(readlink "$root/previous")")
  [ -e "$root/versions/$before/.complete" ] || fail nothing-before
  accepts_config "$before" || fail refused
  switch "$(current)" "$before"
}
