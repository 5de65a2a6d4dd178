"""Blobs in an S3 bucket: `s3://bucket/prefix?endpoint=https://…&region=…&public=https://…`.

The access key comes from boto3's own environment variables. `public` is the endpoint that browsers
reach, where it is not the hub's own way to the store: links are signed for it.
"""

import io
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qs, urlsplit

READ_BYTES = 4 * 1024 * 1024
MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class RangedObject(io.RawIOBase):
    """An object as a file: a header or the middle of a checkpoint costs no more than its bytes."""

    def __init__(self, client: Any, bucket: str, name: str, size: int) -> None:
        self._client, self._bucket, self._name = client, bucket, name
        self._size, self._at = size, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next byte comes from."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is fetched."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fetch as much as fits, with one request."""
        last = min(self._at + len(buffer), self._size) - 1
        if last < self._at:
            return 0
        answer = self._client.get_object(
            Bucket=self._bucket, Key=self._name, Range=f"bytes={self._at}-{last}"
        )
        data = answer["Body"].read()
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


class S3Store:
    """Objects of one bucket below one prefix."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self.bucket = parts.netloc
        self.prefix = parts.path.strip("/")
        self.endpoint = query.get("endpoint", [None])[0]
        self.region = query.get("region", [None])[0]
        self.public_endpoint = query.get("public", [self.endpoint])[0]

    @cached_property
    def client(self) -> Any:
        """boto3's client, made at the first use (its import is slow)."""
        return self._client(self.endpoint)

    @cached_property
    def signer(self) -> Any:
        """The client that signs links; it sends nothing."""
        return self._client(self.public_endpoint)

    def _client(self, endpoint: str | None) -> Any:
        import boto3
        from botocore.config import Config

        settings = Config(signature_version="s3v4")  # the only form that all regions accept
        return boto3.client("s3", endpoint_url=endpoint, region_name=self.region, config=settings)

    def put_path(self, key: str, path: Path, *, move: bool) -> None:
        """Upload in parts where large; S3 shows an object only when it is whole."""
        if not self.exists(key):
            self.client.upload_file(str(path), self.bucket, self._name(key))
        if move:
            path.unlink(missing_ok=True)

    def open(self, key: str) -> BinaryIO:
        """A seekable file whose bytes are fetched by range as they are read."""
        from botocore.exceptions import ClientError

        try:
            head = self.client.head_object(Bucket=self.bucket, Key=self._name(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                raise FileNotFoundError(key) from error
            raise
        raw = RangedObject(self.client, self.bucket, self._name(key), int(head["ContentLength"]))
        return io.BufferedReader(raw, READ_BYTES)

    def exists(self, key: str) -> bool:
        """Whether the bucket has the key."""
        from botocore.exceptions import ClientError

        try:
            self.client.head_object(Bucket=self.bucket, Key=self._name(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return False
            raise
        return True

    def delete(self, key: str) -> None:
        """Remove the key."""
        self.client.delete_object(Bucket=self.bucket, Key=self._name(key))

    def tidy(self, *, grace_seconds: float) -> None:
        """Nothing: the bucket's own lifecycle rule ends uploads that were never finished."""

    def local_path(self, key: str) -> Path | None:
        """None: nothing lies on this machine."""
        return None

    def signed_url(
        self, key: str, *, disposition: str, content_type: str, seconds: int
    ) -> str | None:
        """A presigned GET that carries the file name."""
        return cast(
            str,
            self.signer.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self.bucket,
                    "Key": self._name(key),
                    "ResponseContentDisposition": disposition,
                    "ResponseContentType": content_type,
                },
                ExpiresIn=seconds,
            ),
        )

    def _name(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key
