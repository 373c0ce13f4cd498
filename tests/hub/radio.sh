# shellcheck shell=bash source=/dev/null
# The radio on a real bluetoothd under faults: power off, bluetoothd killed, links lost, a killed run.
# A job of the Bluetooth lab (../shared/hub-lab, HUB_LAB_EXTRA=this checkout); the guest's Python
# needs bleak, bleak-retry-connector, structlog, numpy and cryptography: RADIO_SITE names a folder.
. /lab/lab/job.sh
export PYTHONPATH=${RADIO_SITE:-/extra/site}:/extra:$PYTHONPATH
stack 1 10
cd /extra || exit 1
timeout 250 python3 -m tests.hub.radio_faults "$@"; rc=$?
logs; exit $rc
