"""The body of a posted frame, read as a stream: nothing beyond the limits is ever held, on disk or in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from inference_server.domain.errors import BadInput
from inference_server.web.refusals import BodyTooLarge, BodyTooSlow, Busy, Malformed, MediaTypeRefused

MAX_META_BYTES = 16_384
_ENVELOPE_BYTES = 4_096  # boundaries and part headers
_BUSY_RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class FrameBody:
    """The two parts of a posted frame."""

    meta: bytes
    picture: bytes


class ByteBudget:
    """How many bytes of bodies may be in memory at one moment, over all requests of this process."""

    def __init__(self, max_bytes: int) -> None:
        self._free_bytes = max_bytes

    @contextmanager
    def hold(self) -> Iterator["Held"]:
        """A share that grows on `take` and is given back on leaving."""
        held = Held(self)
        try:
            yield held
        finally:
            self._free_bytes += held.size_bytes

    def take(self, size_bytes: int) -> None:
        """Nothing; raises Busy where so much is not free."""
        if size_bytes > self._free_bytes:
            raise Busy("too many bytes are being received at this moment", retry_after_s=_BUSY_RETRY_S)
        self._free_bytes -= size_bytes


class Held:
    """One request's share of the budget."""

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.size_bytes = 0

    def grow_to(self, size_bytes: int) -> None:
        """Nothing; raises Busy where so much is not free."""
        if size_bytes > self.size_bytes:
            self._budget.take(size_bytes - self.size_bytes)
            self.size_bytes = size_bytes


@dataclass(frozen=True, slots=True)
class FormReader:
    """Reads multipart forms under limits of size and time: of each part, and of the whole body."""

    limits_bytes: Mapping[str, int]
    max_body_bytes: int
    within_s: float

    async def read(self, request: Request, held: Held) -> "Parts":
        """The parts that came; raises a refusal as soon as the fault shows, before the rest is read."""
        parts = Parts(self.limits_bytes)
        parser = _parser(request, parts)
        held.grow_to(self._declared_bytes(request))
        try:
            async with asyncio.timeout(self.within_s):
                async for chunk in self._limited(request, held):
                    parser.write(chunk)
            parser.finalize()
        except TimeoutError:
            raise BodyTooSlow(self.within_s) from None
        except FormParserError as error:
            raise Malformed(f"the body is no multipart form: {error}") from None
        return parts

    def _declared_bytes(self, request: Request) -> int:
        declared = request.headers.get("content-length", "0")
        if not declared.isdecimal():
            raise Malformed("Content-Length is no number")
        if int(declared) > self.max_body_bytes:
            raise BodyTooLarge(self.max_body_bytes)
        return int(declared)

    async def _limited(self, request: Request, held: Held) -> AsyncIterator[bytes]:
        received_bytes = 0
        async for chunk in request.stream():
            received_bytes += len(chunk)
            if received_bytes > self.max_body_bytes:
                raise BodyTooLarge(self.max_body_bytes)
            held.grow_to(received_bytes)
            yield chunk


@dataclass(frozen=True, slots=True)
class FrameReader:
    """Reads the bodies of frames."""

    max_picture_bytes: int
    within_s: float

    @property
    def max_body_bytes(self) -> int:
        """The largest body that can hold a picture within its limit."""
        return self.max_picture_bytes + MAX_META_BYTES + _ENVELOPE_BYTES

    async def read(self, request: Request, held: Held) -> FrameBody:
        """The parts `meta` and `image`; raises a refusal as soon as the fault shows, before the rest is read."""
        limits = {"meta": MAX_META_BYTES, "image": self.max_picture_bytes}
        parts = await FormReader(limits, self.max_body_bytes, self.within_s).read(request, held)
        return FrameBody(parts.demand("meta"), parts.demand("image"))


def form_bytes(pictures: int, max_picture_bytes: int) -> int:
    """The largest body of a form with a JSON part and some pictures."""
    return pictures * (max_picture_bytes + _ENVELOPE_BYTES) + MAX_META_BYTES + _ENVELOPE_BYTES


def _parser(request: Request, parts: "Parts") -> MultipartParser:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        raise MediaTypeRefused("this is posted as multipart/form-data")
    boundary = options.get(b"boundary")
    if not boundary:
        raise Malformed("the content type names no boundary")
    try:
        return parts.parser(boundary)
    except FormParserError as error:
        raise Malformed(f"the boundary cannot be used: {error}") from None


class Parts:
    """Collects the named parts of a multipart form; an unknown, repeated or too large one is refused at once."""

    def __init__(self, limits_bytes: Mapping[str, int]) -> None:
        self._limits_bytes = limits_bytes
        self._contents: dict[str, bytearray] = {}
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._name = ""
        self._ended = False

    def parser(self, boundary: bytes) -> MultipartParser:
        """A parser that tells what it reads to this collection."""
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_end": self._on_end,
            },
        )

    def demand(self, name: str) -> bytes:
        """The contents of a part; raises BadInput where it did not come, Malformed where the form has no end."""
        if not self._ended:
            raise Malformed("the form ends before its closing boundary")
        if name not in self._contents:
            raise BadInput(f"the form has no part {name!r}", field=name)
        return bytes(self._contents.pop(name))

    @property
    def names(self) -> frozenset[str]:
        """The parts that came and were not taken yet."""
        return frozenset(self._contents)

    def _on_part_begin(self) -> None:
        self._disposition = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")[:64]
        if name not in self._limits_bytes:
            raise BadInput(f"the form has a part {name!r}; it may have {', '.join(self._limits_bytes)}", field=name)
        if name in self._contents:
            raise BadInput(f"the form has two parts {name!r}", field=name)
        self._name, self._contents[name] = name, bytearray()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        contents = self._contents[self._name]
        if len(contents) + end - start > self._limits_bytes[self._name]:
            raise BodyTooLarge(self._limits_bytes[self._name], field=self._name)
        contents += data[start:end]

    def _on_end(self) -> None:
        self._ended = True
