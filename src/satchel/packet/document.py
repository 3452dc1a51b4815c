"""The base of everything that is written as signed JSON: one frozen model, one way to write, to parse and to seal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, ValidationInfo

from satchel.errors import BadPacket, FormatTooNew
from satchel.model.devices import is_device
from satchel.model.ids import NODE_NAME, ORIGIN_NAME, RESERVED_NETWORKS
from satchel.packet.envelope import Envelope, open_envelope, seal_envelope
from satchel.packet.json_text import dump_json, load_object
from satchel.packet.keys import PrivateKey
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.wire import FORMAT_MAJOR, FORMAT_MINOR

# What every JSON reader holds exactly; a sequence never gets there.
MAX_SEQ = 2**53 - 1
MAX_64 = 2**63 - 1
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def _node_name(text: str) -> str:
    if not NODE_NAME.fullmatch(text) or is_device(text):
        raise ValueError("not a node's name")
    return text


def _origin_name(text: str) -> str:
    if not ORIGIN_NAME.fullmatch(text) or is_device(text):
        raise ValueError("not an origin's name")
    return text


def _network_name(text: str) -> str:
    if text in RESERVED_NETWORKS:
        raise ValueError("a network cannot have this name")
    return _node_name(text)


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("not a time in RFC 3339, UTC")
    datetime.fromisoformat(text)
    return text


def _number_text(text: str) -> str:
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or int(text) > MAX_64:
        raise ValueError("not a 64-bit number")
    return text


def limits_of(info: ValidationInfo) -> Limits:
    """The limits that a document is parsed under; what is made here keeps to the defaults."""
    return info.context if isinstance(info.context, Limits) else DEFAULT_LIMITS


def _name(text: str, info: ValidationInfo) -> str:
    if len(text) > limits_of(info).name_length:
        raise ValueError("the name is too long")
    return text


def _text(text: str, info: ValidationInfo) -> str:
    if len(text) > limits_of(info).text_length:
        raise ValueError("the text is too long")
    return text


NodeName = Annotated[str, AfterValidator(_node_name)]
OriginName = Annotated[str, AfterValidator(_origin_name)]
NetworkName = Annotated[str, AfterValidator(_network_name)]
NetworkId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Time = Annotated[str, AfterValidator(_time)]
Number64 = Annotated[str, AfterValidator(_number_text)]  # what JSON readers may not hold, as text
Seq = Annotated[int, Field(ge=1, le=MAX_SEQ)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ShortHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Suffix = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
# Tables and columns have the names that users gave them; a NUL would cut them short in C.
Name = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00]*$"), AfterValidator(_name)]
Text = Annotated[str, AfterValidator(_text)]
WireVector = dict[OriginName, tuple[Seq, ShortHash]]


class Model(BaseModel):
    """Frozen, strict about types; fields that a newer minor version added are kept and ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", populate_by_name=True, defer_build=True)


class Format(Model):
    """Version of the format. A new major is not readable by older satchels; a new minor adds fields."""

    major: int = FORMAT_MAJOR
    minor: int = FORMAT_MINOR


class Network(Model):
    """Which network a file belongs to. The id is a UUID that the founder drew."""

    id: NetworkId
    name: NetworkName


class Document(Model):
    """Something that stands in an envelope. `payload_type` is signed with it."""

    payload_type: ClassVar[str]

    format: Format = Format()

    def to_bytes(self) -> bytes:
        """Canonical JSON, unknown fields included."""
        return dump_json(self.model_dump(mode="json", by_alias=True))

    def seal(self, *signers: PrivateKey) -> bytes:
        """The signed file."""
        return seal_envelope(self.payload_type, self.to_bytes(), signers)

    @classmethod
    def open(cls, data: bytes, limits: Limits = DEFAULT_LIMITS) -> Envelope:
        """The envelope of such a document, nothing verified; BadPacket if it is none."""
        return open_envelope(data, cls.payload_type, limits)

    @classmethod
    def parse(cls, data: bytes, limits: Limits = DEFAULT_LIMITS) -> Self:
        """The document in these bytes. FormatTooNew for an unknown major format, BadPacket for anything else that is
        not such a document."""
        fields = load_object(data, limits.manifest_bytes, limits.json_values)
        check_format(fields)
        with refused_models():
            return cls.model_validate_json(data, context=limits)


@contextmanager
def refused_models() -> Iterator[None]:
    """Turns pydantic's complaints into BadPacket: no error of a library leaves its room."""
    try:
        yield
    except ValidationError as error:
        raise BadPacket(_first_problem(error)) from error


def check_format(fields: dict[str, Any]) -> None:
    """FormatTooNew for an unknown major format: it waits for an upgrade, it is not an attack."""
    version = fields.get("format")
    major = version.get("major") if isinstance(version, dict) else None
    if not isinstance(major, int) or isinstance(major, bool) or major < 1:
        raise BadPacket("no format version")
    if major > FORMAT_MAJOR:
        raise FormatTooNew(
            f"format {major} is newer than this satchel, which reads up to {FORMAT_MAJOR}", "Upgrade satchel."
        )


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(step)[:60] for step in problem["loc"][:6])
    message = problem["msg"].removeprefix("Value error, ")[:200]
    return f"{place}: {message}" if place else message
