# What a version puts outside its folder: units, user, rules, configuration.
#
# It goes below /etc, so that it can change and go back with the version. Where the Debian package has
# brought the very same file below /usr/lib, that one serves and /etc stays empty.
# shellcheck shell=bash

# system_files NAME: lines of "source destination-below-/etc"
system_files() {
  system_files_in "$root/versions/$1/share/ansim/systemd"
}

system_files_in() {
  local source file
  for source in "$1"/*; do
    file=$(basename "$source")
    case $file in
      *.service | *.timer | *.path | *.socket | *.target) echo "$source systemd/system/$file" ;;
      *.rules) echo "$source polkit-1/rules.d/$file" ;;
      *.udev) echo "$source udev/rules.d/70-${file%.udev}.rules" ;;
      *.sysusers) echo "$source sysusers.d/${file%.sysusers}.conf" ;;
      *.tmpfiles) echo "$source tmpfiles.d/${file%.tmpfiles}.conf" ;;
      *.journald) echo "$source systemd/journald.conf.d/50-${file%.journald}.conf" ;;
      *.manager) echo "$source systemd/system.conf.d/50-${file%.manager}.conf" ;;
    esac
  done
}

packaged() {
  case $1 in polkit-1/*) echo "/usr/share/$1" ;; *) echo "/usr/lib/$1" ;; esac
}

# make_folder DIR: and remember each folder that was not there.
make_folder() {
  [ -d "$1" ] && return
  make_folder "$(dirname "$1")"
  echo "$1" >> "$root/folders"
  mkdir "$1"
}

place() {
  local source=$1 target=/etc/$2
  if cmp -s "$source" "$(packaged "$2")"; then
    rm -f "$target"
  elif ! cmp -s "$source" "$target"; then
    make_folder "$(dirname "$target")"
    cp "$source" "$target.ansim-new"
    mv -f "$target.ansim-new" "$target"
  fi
}

# activate NAME: everything outside is this version's. Repeating it does no harm.
activate() {
  local source target
  touch "$root/placed"
  system_files "$1" | cut -d' ' -f2 | sort -u - "$root/placed" -o "$root/placed"
  while read -r source target; do
    place "$source" "$target"
  done < <(system_files "$1")
  turn current "$1"
  ln -sfn current/bin "$root/bin" # for other units: one path, whatever the version
  while read -r target; do
    rm -f "/etc/$target"
  done < <(system_files "$1" | cut -d' ' -f2 | sort | comm -13 - "$root/placed")
  system_files "$1" | cut -d' ' -f2 | sort > "$root/placed.new"
  mv -f "$root/placed.new" "$root/placed"
  ln -sfn "$root/current/bin/ansim" /usr/local/bin/ansim
  ln -sfn "$root/installer/install.sh" /usr/local/sbin/ansim-install
  reread
}

reread() {
  systemd-tmpfiles --create "$root/current/share/ansim/systemd/ansim.tmpfiles"
  booted || return 0
  systemctl daemon-reload
  # Rules and caps take effect without a restart of the machine where that is possible.
  udevadm control --reload 2> /dev/null || true
  systemctl try-restart systemd-journald.service 2> /dev/null || true
  systemctl try-reload-or-restart polkit.service 2> /dev/null || true
}

make_user() {
  systemd-sysusers "$root/versions/$1/share/ansim/systemd/ansim.sysusers"
  systemd-tmpfiles --create "$root/versions/$1/share/ansim/systemd/ansim.tmpfiles"
}

# A home's configuration is written once and never again. Each hub has a pseudonym of its own.
place_config() {
  if [ -e "$config" ]; then
    [ -z "$given_config" ] || cmp -s "$given_config" "$config" || say config-kept "$config"
    return 0
  fi
  local hub
  hub=$(head -c 16 /dev/urandom | base32 | tr -d = | tr '[:upper:]' '[:lower:]')
  install -m 640 -g ansim "${given_config:-$root/versions/$1/share/ansim/config/minimal.yaml}" "$config.new"
  [ -n "$given_config" ] || sed -i "s/^  id: .*/  id: \"$hub\"/" "$config.new"
  [ -n "$given_config" ] || cp "$config.new" "$root/unedited"
  mv "$config.new" "$config"
  config_placed=yes
}

# A template that nobody has edited names a broker that does not exist. By its content: a prepared file
# that is copied over it may be older than it.
unedited() {
  cmp -s "$root/unedited" "$config"
}

# refuse NEW OLD: a file given with --config goes with the version, or the corrected one would not be taken.
refuse() {
  [ "$1" = "$2" ] || rm -rf "${root:?}/versions/$1"
  [ -z "$config_placed" ] || { rm -f "$config" && say config-withdrawn "$config" >&2; }
  fail refused
}

accepts_config() {
  unedited || "$root/versions/$1/bin/ansim" check "$config" ${reader:+--lang "$(language)"}
}

language() {
  case $reader in en*) echo en ;; *) echo ko ;; esac
}
