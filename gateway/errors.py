"""Every error of ours, one root, branched by who is at fault.

    AnsimError
    ├── ConfigurationError   the technician: a file says what cannot be
    ├── DeviceError          a band or sensor: bytes or behaviour against its own format
    │   └── MalformedPacket  (gateway.driver adds the hex)
    ├── CentreError          the control centre: a command or acknowledgement that is not valid
    ├── HubError             this machine: disk, adapter, clock
    │   ├── StoreError
    │   ├── RadioError
    │   └── HubMessageError   (seen by the centre) a hub sent what the contract forbids
    ├── LinkError            the way to the broker
    └── Bug                  ourselves: a transition that is not in its table, an impossible value

Raise, do not log and go on: whoever stands at the edge decides what a failure means.
"""


class AnsimError(Exception):
    """Root of everything this project raises on purpose."""


class ConfigurationError(AnsimError):
    """The technician's file says what cannot be."""


class DeviceError(AnsimError):
    """A device sent or did what its own format forbids."""


class CentreError(AnsimError):
    """The centre sent a command or an acknowledgement that is not valid."""


class HubError(AnsimError):
    """The machine failed: disk, adapter, clock."""


class StoreError(HubError):
    """The database could not take or give what was asked."""


class RadioError(HubError):
    """The Bluetooth adapter, or the way to it, failed."""


class HubMessageError(HubError):
    """A hub sent the centre what the contract forbids."""


class LinkError(AnsimError):
    """The way to the broker failed."""


class Bug(AnsimError):  # noqa: N818 - it is one, and says so
    """We are at fault: what should be impossible happened."""
