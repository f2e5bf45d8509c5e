"""Pictures in an S3-compatible object store: those that wait, and those that are evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import obstore
from obstore.exceptions import BaseError
from obstore.store import MemoryStore, S3Store

from inference_server.domain.errors import BadInput

_SCHEME = "s3://"
_RETRY_FOR = timedelta(seconds=8)
_NO_BUCKET = "NoSuchBucket"
_TIMEOUT = timedelta(seconds=10)

AnyStore = S3Store | MemoryStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPlace:
    """Where the store is: `url` is s3://bucket or s3://bucket/folder. Without an endpoint it is Amazon's."""

    url: str
    endpoint: str | None = None
    region: str = "us-east-1"
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)


class ObjectsUnavailable(OSError):
    """The object store does not answer, or refuses us."""


class Objects:
    """Named contents below one folder of a store. What `put` has answered is durable: S3 promises that."""

    def __init__(self, store: AnyStore, folder: str) -> None:
        self._store = store
        self._folder = folder

    def put(self, name: str, content: bytes) -> None:
        """Store; the same name again is replaced."""
        with _named_faults():
            obstore.put(self._store, self._path(name), content)

    def get(self, name: str) -> bytes | None:
        """The content; None where there is none of this name."""
        with _named_faults():
            try:
                return bytes(obstore.get(self._store, self._path(name)).bytes())
            except FileNotFoundError as error:
                if _NO_BUCKET in str(error):  # then nothing is known of the object
                    raise
                return None

    def has(self, name: str) -> bool:
        """Whether there is a content of this name."""
        with _named_faults():
            try:
                obstore.head(self._store, self._path(name))
            except FileNotFoundError:
                return False
            return True

    def remove(self, name: str) -> None:
        """Forget; nothing happens where it is gone already."""
        with _named_faults():
            try:
                obstore.delete(self._store, self._path(name))
            except FileNotFoundError:  # S3 says nothing, the store in memory does
                return

    def listed(self, prefix: str) -> list[tuple[str, datetime, int]]:
        """Names below a folder of this one, with the time of storing and the size in bytes."""
        with _named_faults():
            return [
                (one["path"].removeprefix(f"{self._folder}/"), one["last_modified"], one["size"])
                for page in obstore.list(self._store, self._path(prefix))
                for one in page
            ]

    def ages_s(self) -> dict[str, float]:
        """All names, with the seconds since each was stored."""
        now = datetime.now(UTC)
        return {name: (now - stored_at).total_seconds() for name, stored_at, _ in self.listed("")}

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}" if name else self._folder


def open_store(place: ObjectPlace) -> S3Store:
    """A client of the store; nothing is asked of it yet. Raises BadInput for an address that is none."""
    bucket, _, prefix = place.url.removeprefix(_SCHEME).partition("/")
    if not place.url.startswith(_SCHEME) or not bucket:
        raise BadInput(f"{place.url} is not s3://bucket or s3://bucket/folder", field="object_store_url")
    plain = place.endpoint is not None and place.endpoint.startswith("http://")
    return S3Store(
        bucket,
        prefix=prefix or None,
        endpoint=place.endpoint,
        region=place.region,
        access_key_id=place.access_key,
        secret_access_key=place.secret_key,
        virtual_hosted_style_request=place.endpoint is None,
        client_options={"allow_http": plain, "timeout": _TIMEOUT},
        retry_config={"max_retries": 3, "retry_timeout": _RETRY_FOR},
    )


@contextmanager
def _named_faults() -> Iterator[None]:
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        # the rest of the text is the library's own state, many lines of it
        raise ObjectsUnavailable(f"the object store: {str(error).splitlines()[0]}") from error
