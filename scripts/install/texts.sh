# What a technician reads, in English and Korean: say KEY VALUES..., fail KEY VALUES...
# Korean unless the terminal's language is English, as `ansim` does.
# shellcheck shell=bash
reader=${LC_ALL:-${LANG:-}}
declare -A en ko

en[root]='This has to be done as root: sudo %s'
ko[root]='root 권한이 필요합니다: sudo %s'
en[busy]='Another installation is running.'
ko[busy]='다른 설치가 진행 중입니다.'
en[no-file]='There is no %s. Nothing was changed.'
ko[no-file]='%s: 없습니다. 변경한 것이 없습니다.'
en[not-debian]='Only Debian 12 or newer and Raspberry Pi OS (bookworm or newer) are supported; this is %s.'
ko[not-debian]='Debian 12 이상, Raspberry Pi OS(bookworm 이상)만 지원합니다. 이 기기: %s'
en[not-64]='A 64-bit system is needed (amd64 or arm64); this is %s. On a Raspberry Pi install the 64-bit Raspberry Pi OS.'
ko[not-64]='64비트 시스템(amd64, arm64)이 필요합니다. 이 기기: %s. Raspberry Pi에는 64비트 Raspberry Pi OS를 설치하십시오.'
en[no-python]='Python 3.11 or newer is missing: apt-get install python3'
ko[no-python]='Python 3.11 이상이 없습니다: apt-get install python3'
en[no-space]='%s MB are free below /opt, %s are needed. Nothing was changed.'
ko[no-space]='/opt의 여유 공간이 %s MB입니다. %s MB가 필요합니다. 변경한 것이 없습니다.'
en[packages]='Installing from Debian: %s'
ko[packages]='Debian 패키지 설치: %s'
en[packages-missing]='Missing, and not installed because of --wheels: apt-get install %s'
ko[packages-missing]='빠진 패키지(--wheels이므로 설치하지 않음): apt-get install %s'
en[packages-failed]='Could not be installed: %s. Without a network use --wheels DIR and bring the packages.'
ko[packages-failed]='설치하지 못했습니다: %s. 네트워크가 없으면 --wheels 폴더와 패키지를 준비하십시오.'
en[fetching]='Fetching and building wheels ...'
ko[fetching]='휠을 받고 만드는 중 ...'
en[fetch-failed]='The wheels could not be fetched or built (see above); what runs was not touched. Without a network: --wheels DIR.'
ko[fetch-failed]='휠을 받거나 만들지 못했습니다(위 참조). 실행 중인 것은 그대로입니다. 네트워크가 없으면 --wheels 폴더를 쓰십시오.'
en[no-source]='There is no source beside this script: give --wheels DIR (made by scripts/build_wheels).'
ko[no-source]='이 스크립트 옆에 소스가 없습니다. --wheels 폴더를 주십시오(scripts/build_wheels로 만듦).'
en[no-wheel]='%s does not hold one ansim_gateway-*.whl and one pip-*.whl.'
ko[no-wheel]='%s에 ansim_gateway-*.whl과 pip-*.whl이 하나씩 있어야 합니다.'
en[building]='Installing version %s ...'
ko[building]='%s 버전을 설치하는 중 ...'
en[warming]='Compiling the detectors (a minute or more on a small board) ...'
ko[warming]='감지기를 컴파일하는 중(소형 보드에서는 1분 이상) ...'
en[build-failed]='Version %s could not be installed; what runs was not touched.'
ko[build-failed]='%s 버전을 설치하지 못했습니다. 실행 중인 것은 그대로입니다.'
en[already]='Version %s is installed already; checking that everything is in its place.'
ko[already]='%s 버전이 이미 설치되어 있습니다. 구성 요소를 점검합니다.'
en[refused]='This version does not accept /etc/ansim/gateway.yaml (see above). Nothing was switched.'
ko[refused]='이 버전은 /etc/ansim/gateway.yaml을 받아들이지 않습니다(위 참조). 전환하지 않았습니다.'
en[config-withdrawn]='%s was taken out again: correct your file, then run this once more.'
ko[config-withdrawn]='%s: 다시 제거했습니다. 준비한 파일을 고친 뒤 다시 실행하십시오.'
en[config-kept]='Kept: %s. The file given with --config was not used.'
ko[config-kept]='%s: 기존 파일을 유지했습니다. --config로 준 파일은 쓰지 않았습니다.'
en[edit]='Next: write this home into %s (district, broker, devices), then
  ansim check
  systemctl enable --now ansim-gateway
  ansim status'
ko[edit]='다음: 이 집의 구역, 브로커, 기기를 %s에 적은 뒤
  ansim check
  systemctl enable --now ansim-gateway
  ansim status'
en[trying]='Starting version %s; it has %s s to become READY ...'
ko[trying]='%s 버전을 시작합니다. %s초 안에 READY가 되어야 합니다 ...'
en[ready]='READY: version %s runs.'
ko[ready]='READY: %s 버전이 실행 중입니다.'
en[went-back]='Version %s did not become READY. The hub went back to version %s, which runs. Why:
  journalctl -u ansim-gateway -u ansim-settle'
ko[went-back]='%s 버전이 READY가 되지 못했습니다. %s 버전으로 되돌렸고 실행 중입니다. 원인:
  journalctl -u ansim-gateway -u ansim-settle'
en[both-failed]='Neither version %s nor the old version %s became READY: the cause may lie outside them (disk, configuration). It is tried again without end. See: journalctl -u ansim-gateway'
ko[both-failed]='%s 버전도 이전 %s 버전도 READY가 되지 못했습니다. 원인이 버전 밖(디스크, 설정)에 있을 수 있습니다. 계속 다시 시도합니다. 확인: journalctl -u ansim-gateway'
en[no-outcome]='The trial did not come to an end. See: journalctl -u ansim-settle; run this again to finish it.'
ko[no-outcome]='시험이 끝나지 않았습니다. 확인: journalctl -u ansim-settle. 다시 실행하면 이어서 끝냅니다.'
en[first-failed]='Version %s is installed, but did not become READY. See: journalctl -u ansim-gateway'
ko[first-failed]='%s 버전을 설치했지만 READY가 되지 못했습니다. 확인: journalctl -u ansim-gateway'
en[switched]='Version %s is installed. The daemon is not enabled, so it was neither started nor tried.'
ko[switched]='%s 버전을 설치했습니다. 데몬이 활성화되어 있지 않아 시작하거나 시험하지 않았습니다.'
en[image]='Version %s is installed. systemd does not run here (an image being prepared?): it starts with the next boot.'
ko[image]='%s 버전을 설치했습니다. systemd가 실행 중이 아닙니다(이미지 준비 중?). 다음 부팅 때 시작합니다.'
en[interrupted]='An installation was broken off here; its trial is finished first.'
ko[interrupted]='이전 설치가 중단되었습니다. 남은 시험을 먼저 끝냅니다.'
en[nothing-before]='There is no version to go back to.'
ko[nothing-before]='되돌아갈 이전 버전이 없습니다.'
en[no-memory-cgroup]='The memory limit of the service has no effect: this kernel runs without the memory cgroup. Add to the one line of %s, then reboot:
  cgroup_enable=memory cgroup_memory=1'
ko[no-memory-cgroup]='서비스의 메모리 제한이 동작하지 않습니다: 커널의 memory cgroup이 꺼져 있습니다. %s의 한 줄 끝에 추가한 뒤 재부팅하십시오:
  cgroup_enable=memory cgroup_memory=1'
en[no-watchdog]='There is no hardware watchdog (/dev/watchdog): a kernel that hangs is not restarted.'
ko[no-watchdog]='하드웨어 감시 타이머(/dev/watchdog)가 없습니다. 커널이 멈추면 다시 시작되지 않습니다.'
en[in-memory]='%s lies in memory (%s): a restart loses what is written there. See README: Read-only root.'
ko[in-memory]='%s: 메모리에 있습니다(%s). 재시작하면 기록한 내용이 사라집니다. README: Read-only root 참조.'
en[not-installed]='Nothing is installed here.'
ko[not-installed]='설치된 것이 없습니다.'
en[ask-data]='Erase the data of this home as well (alarms, routine, keys, configuration)? There is no way back. [erase/keep] '
ko[ask-data]='이 집의 데이터(경보, 생활 패턴, 키, 설정)도 지울까요? 되돌릴 수 없습니다. [erase=지움/keep=보관] '
en[say-data]='Say what shall become of the data: --keep-data or --erase-data.'
ko[say-data]='데이터를 어떻게 할지 정하십시오: --keep-data 또는 --erase-data'
en[not-erased]='The data was not erased (see above), so nothing was removed and the daemon runs on. --even-unsent erases alarms too that the centre does not have.'
ko[not-erased]='데이터를 지우지 못해(위 참조) 아무것도 제거하지 않았고 데몬은 계속 실행됩니다. --even-unsent는 관제센터가 받지 못한 경보까지 지웁니다.'
en[data-kept]='Kept: /etc/ansim, %s and their user `ansim`.'
ko[data-kept]='보관됨: /etc/ansim, %s, 사용자 `ansim`.'
en[removed]='Removed. Lines of the journal stay until the journal drops them.'
ko[removed]='제거했습니다. 저널의 기록은 저널이 지울 때까지 남습니다.'
en[packaged]='This hub was installed as a Debian package: apt-get remove ansim-gateway, or purge to erase the data too.'
ko[packaged]='이 허브는 Debian 패키지로 설치되었습니다: apt-get remove ansim-gateway (데이터까지 지우려면 purge)'

say() {
  local key=$1 words
  shift
  case $reader in en*) words=${en[$key]} ;; *) words=${ko[$key]} ;; esac
  # shellcheck disable=SC2059 # the tables above are the formats
  printf "$words\n" "$@"
}

fail() {
  say "$@" >&2
  exit 1
}
