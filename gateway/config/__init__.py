"""gateway.yaml -> Settings, and what can be wrong with it.

loading      file -> Settings, or InvalidConfig with everything that is wrong
yaml_source  bytes -> tree with positions, bounded      yaml_syntax  a parser's words, explained
reader       types beside tree -> values and problems   scalars      one word -> one value
forms        what addresses, names, clocks and URLs look like
schema       the types -> JSON Schema                   example      -> the commented YAML
"""

from gateway.config.forms import new_hub_id
from gateway.config.loading import Loaded, language_of, load, load_bytes, load_with_places
from gateway.config.problems import InvalidConfig, Place, Problem
from gateway.config.reader import DriverOf
from gateway.secret import Secret, UnreadableSecret, read_bind_key, read_secret

__all__ = [
    "DriverOf",
    "InvalidConfig",
    "Loaded",
    "Place",
    "Problem",
    "Secret",
    "UnreadableSecret",
    "language_of",
    "load",
    "load_bytes",
    "load_with_places",
    "new_hub_id",
    "read_bind_key",
    "read_secret",
]
