"""What types cannot catch: settings that are valid, and still would leave a home unwatched.

finding    severity, key, place in the file, words in both languages, what to do
devices    addresses, keys, roles, connection slots
detectors  what falls, inactivity and the cancel window need
uplink     brokers, TLS, certificates        files   keys and passwords, the database's place
report     all of it, and what will run, as `ansim check` prints it
"""

from gateway.check.finding import Finding, Severity
from gateway.check.report import check, report

__all__ = ["Finding", "Severity", "check", "report"]
