"""JSON Schema 2020-12 of every message of the contract, built from the very types the code uses.

`MESSAGES` names them as the last words of their topics; `up/state` is a birth or a will. Nothing
here runs in the daemon: the readers of gateway.core.wire check by hand, faster and with reasons.
These are for integrators (config/asyncapi.yaml) and for the tests, which validate every message
they see.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gateway.core.alerts import Matter, Msg
from gateway.core.bodies import PLACES, VERSION
from gateway.core.from_centre import AckStatus, Cause, CommandName
from gateway.core.model import Kind
from gateway.core.outputs import Stream
from gateway.core.routine.measures import Change, Unit, What

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _one_of(words: type[StrEnum]) -> Schema:
    return {"type": "string", "enum": [word.value for word in words]}


def _integer(least: int, most: int | None = None) -> Schema:
    bounds = {"minimum": least} | ({} if most is None else {"maximum": most})
    return {"type": "integer", **bounds}


def _text(longest: int, meaning: str) -> Schema:
    return {"type": "string", "maxLength": longest, "description": meaning}


def _array(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items} | ({"minItems": least} if least else {})


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_V: Schema = {"const": VERSION}
_BOOL: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}
_ID: Schema = {"type": "string", "pattern": "^[0-9A-Za-z._-]{1,64}$"}
_ULID: Schema = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}
_HUB: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z2-7]{26}$",
    "description": "128 random bits in base32: a pseudonym, never a name, address or MAC",
}
_TIME: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$",
}
_OPERATOR = _text(64, "operator code, never a name")
_DEVICE = _text(64, "the technician's name for the sensor")
_OFFSET = _or_null({"type": "integer", "description": "wall clock error in ms, null: not known"})
_COUNTS: Schema = {
    "type": "object",
    "propertyNames": {"enum": [stream.value for stream in Stream]},
    "additionalProperties": _integer(0),
}
_BOOT = {**_integer(0), "description": "counter kept per boot of the hub"}
_SESSION = {**_integer(0), "description": "of a connection; grows from one to the next"}
_INSTANT: Mapping[str, Schema] = {
    "t": {**_TIME, "description": "wall time; a lower bound while `clock` is estimated"},
    "mono_ms": {**_integer(0), "description": "milliseconds since the hub's boot"},
    "clock": {"enum": ["proven", "estimated"]},
}
_PRESENCE: Mapping[str, Schema] = {"v": _V, "hub": _HUB, "boot": _BOOT, **_INSTANT}


def _streamed(stream: Stream, body: Mapping[str, Schema], optional: Any = None) -> Schema:
    head: Mapping[str, Schema] = {
        "v": _V,
        "id": _ULID,
        "hub": _HUB,
        "epoch": {**_ULID, "description": "of the database in which `seq` counts"},
        "stream": {"const": stream.value},
        "seq": _integer(1),
        "boot": _BOOT,
        "durable": {**_BOOL, "description": "false: published from memory, the disk failed"},
    }
    return _object({**head, **body}, optional)


_EVENT_ITEM = _object(
    {**_INSTANT, "device": _DEVICE, "what": _text(40, "motion, contact, button, …"), "value": {}}
)
_SUM_ITEM = _object(
    {
        "device": _DEVICE,
        "what": _text(40, "what was measured"),
        "count": _integer(1),
        "min": _NUMBER,
        "max": _NUMBER,
        "mean": _NUMBER,
    }
)
_SENSOR = _object(
    {"name": _DEVICE, "driver": _text(40, "driver")},
    {"loc": _integer(0, 65535), "role": _text(40, "what it is here")},
)

BIRTH = _object(
    {
        **_PRESENCE,
        "online": {"const": True},
        "session": _SESSION,
        "epoch": _ULID,
        "versions": {"type": "object", "additionalProperties": _text(64, "version")},
        "last_seq": _COUNTS,
        "sensors": _array(_SENSOR),
        "clock_offset_ms": _OFFSET,
        "language": {"enum": ["ko", "en"]},
    },
    {"uptime_s": {**_integer(0), "description": "a hub that ran on had only lost its link"}},
)
WILL = _object(
    {"v": _V, "hub": _HUB, "online": {"const": False}, "boot": _BOOT, "session": _SESSION}
)
ALARM = _streamed(
    Stream.ALARM,
    {
        "msg": _one_of(Msg),
        "type": _one_of(Kind),
        "state": _one_of(Matter),
        "due": {
            **_or_null(_TIME),
            "description": "when a pending alarm is raised; the centre does so if nothing follows",
        },
        "mdc": {**_integer(0, 15), "description": "ISO/IEEE 11073-10471 partition 130; 0: none"},
        "loc": {
            **_integer(0, 65535),
            "description": "ISO/IEEE 11073-10471: "
            + ", ".join(f"{word} {code}" for word, code in PLACES.items() if word),
        },
        "sev": _integer(1, 4),
        "cert": {"type": "number", "minimum": 0, "maximum": 1},
        **_INSTANT,
        "sent_t": _TIME,
        "sensor": _DEVICE,
        "evid": {"type": "object", "description": "why: a code with its numbers"},
        "refs": {**_array(_ID), "description": "the alarm that an update or a cancel is about"},
        "attempt": {**_integer(1), "description": "the only field that changes on repetition"},
    },
)
EVENT = _streamed(Stream.EVENT, {"items": _array(_EVENT_ITEM, 1)})
SUM = _streamed(Stream.SUM, {**_INSTANT, "span_s": _integer(1), "items": _array(_SUM_ITEM, 1)})
_EVIDENCE: Mapping[str, Schema] = {
    "alert": _ID,
    "part": _integer(1),
    "parts": _integer(1),
    **_INSTANT,
}
EVIDENCE: Schema = {
    "oneOf": [
        _streamed(
            Stream.EVIDENCE,
            {
                **_EVIDENCE,
                "what": {"const": "acceleration"},
                "device": _DEVICE,
                "first_ms": _integer(0),
                "last_ms": _integer(0),
                "data": {
                    "type": "string",
                    "contentEncoding": "base64",
                    "description": "int16 little-endian x, y, z in milli-g, evenly spaced in time",
                },
            },
        ),
        _streamed(
            Stream.EVIDENCE,
            {**_EVIDENCE, "what": {"const": "home"}, "items": _array(_EVENT_ITEM, 1)},
        ),
    ]
}
_OUTLOOK = _object(
    {
        "at": {**_or_null(_TIME), "description": "the first level, attention; null: not known"},
        "held_until": {**_or_null(_TIME), "description": "when the night lets it out"},
        "presence": _text(40, "home, asleep, away, arrived, ambiguous, said-away, unknown, …"),
        "probability": {**_NUMBER, "minimum": 0, "maximum": 1, "description": "of being home"},
        "en": _text(2048, "why, in words; empty where it did not fit"),
        "ko": _text(2048, "the same in Korean"),
    }
)
_BRIEF: Mapping[str, Schema] = {
    "alerts": _array(
        _object({"id": _ULID, "type": _one_of(Kind), "state": _one_of(Matter)}),
    ),
    "deadline": {
        **_or_null(_OUTLOOK),
        "description": "of `status`: when the hub asks for help if nothing more is heard;"
        " null: it does not watch over silence",
    },
}
RES = _streamed(
    Stream.RES,
    {
        **_INSTANT,
        "cmd": _ID,
        "ok": _BOOL,
        "reason": _text(200, "why it was refused"),
        "result": {
            "type": "object",
            "properties": _BRIEF,
            "description": "what came of it; alerts and deadline: of `status`",
        },
    },
)
_MEASURED = _object(
    {
        "what": _one_of(What),
        "unit": {**_one_of(Unit), "description": "min_of_day: from midnight, above 1440 after it"},
        "value": _or_null(_integer(0)),
        "change": {
            **_one_of(Change),
            "description": "against four weeks, those that ended a week before",
        },
        "days": {**_integer(0, 28), "description": "days of those four weeks that were seen"},
    },
    {
        "median": _NUMBER,
        "low": {**_NUMBER, "description": "5th percentile"},
        "high": {**_NUMBER, "description": "95th percentile"},
    },
)
ROUTINE = _streamed(
    Stream.ROUTINE,
    {
        **_INSTANT,
        "day": {
            "type": "string",
            "format": "date",
            "description": "local date of the day from 4:00 to 4:00; each is told once"
            " (again only by a hub whose disk failed meanwhile: the later counts)",
        },
        "blind_min": {**_integer(0), "description": "minutes that the hub could not see"},
        "deaf_min": {**_integer(0), "description": "of those, it ran and heard nothing"},
        "missed_days": {**_integer(0), "description": "days before it that were not seen at all"},
        "unheard": _array(_object({"device": _DEVICE, "min": _integer(0)})),
        "items": _array(_MEASURED, 1),
        "many_visits": {
            **_object({"nights": _integer(0, 7), "of": _integer(0, 7)}),
            "description": "of the last seven nights, those with many visits to the bathroom",
        },
        "alarms": {**_integer(0), "description": "alarms and technical faults of the day"},
        "en": _text(2048, "what changed, by how much"),
        "ko": _text(2048, "the same in Korean"),
    },
)
HB = _object(
    {
        **_PRESENCE,
        "session": _SESSION,
        "epoch": _ULID,
        "high": {**_COUNTS, "description": "last seq of every stream: a lost tail is seen"},
        "uptime_s": _integer(0),
        "rss_kib": _integer(0),
        "outbox": {**_integer(0), "description": "rows not finished"},
        "open_alerts": _integer(0),
        "clock_offset_ms": _OFFSET,
    },
    {
        "evicted": {
            "type": "object",
            "additionalProperties": _integer(0),
            "description": "rows that went for want of room before they were stored, by stream",
        }
    },
)

ACK: Schema = {
    **_object(
        {"v": _V, "epoch": _ID, "stream": _one_of(Stream), "status": _one_of(AckStatus)},
        {
            "upto": {**_integer(0), "description": "all seq up to this one (`stored` only)"},
            "ids": _array(_ID, 1),
            "cause": _one_of(Cause),
            "operator": _OPERATOR,
        },
    ),
    "anyOf": [{"required": ["ids"]}, {"required": ["upto"]}],
    "if": {"properties": {"status": {"const": "closed"}}},
    "then": {"required": ["cause"]},
    "else": {"properties": {"cause": False}},
}
_ARGUMENTS: Mapping[CommandName, Schema] = {
    CommandName.ACKNOWLEDGE: _object(
        {"ids": _array(_ID, 1), "status": _one_of(AckStatus)},
        {"cause": _one_of(Cause), "operator": _OPERATOR},
    ),
    CommandName.RESEND: _object(
        {"epoch": _ID, "stream": _one_of(Stream), "from": _integer(1), "to": _integer(1)}
    ),
    CommandName.TEST_ALARM: _object({}),
    CommandName.AWAY: _object({}, {"until": _TIME}),
    CommandName.HOME: _object({}),
    CommandName.STATUS: _object({}),
}
CMD: Schema = {
    "oneOf": [
        _object(
            {
                "v": _V,
                "id": {**_ID, "description": "the hub obeys it once"},
                "name": {"const": name.value},
                "args": arguments,
                "not_after": {
                    **_TIME,
                    "description": "refused from then on; a day ahead at most",
                },
            }
        )
        for name, arguments in _ARGUMENTS.items()
    ]
}
CENTRE: Schema = _object(
    {"v": _V, "online": _BOOL}, {"t": {**_TIME, "description": "the centre's own time"}}
)

MESSAGES: Mapping[str, Schema] = MappingProxyType(
    {
        "up/state": {"oneOf": [BIRTH, WILL]},
        "up/alarm": ALARM,
        "up/event": EVENT,
        "up/sum": SUM,
        "up/evidence": EVIDENCE,
        "up/routine": ROUTINE,
        "up/hb": HB,
        "up/res": RES,
        "dn/ack": ACK,
        "dn/cmd": CMD,
        "centre/state": CENTRE,
    }
)
