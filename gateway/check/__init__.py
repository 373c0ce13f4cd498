"""What types cannot catch: settings that are valid, and still would leave a home unwatched.

finding    severity, key, place in the file, words in both languages, what to do
devices    addresses, keys, roles, connections   detectors  what falls and inactivity need
uplink     brokers and TLS                       certificates  theirs
files      keys, passwords, database, announcer  radio  adapters, spares, canary
summary    what will run         report     all of it, as `ansim check` prints it
"""

from gateway.check.finding import Finding, Severity
from gateway.check.report import check, report

__all__ = ["Finding", "Severity", "check", "report"]
