"""Use an S3 bucket as a source: s3://BUCKET/PREFIX. Needs the [s3] extra, which is botocore.

    IAM: s3:GetObject on arn:aws:s3:::BUCKET/PREFIX/*

botocore finds the credentials, the region and the endpoint like every AWS tool (AWS_PROFILE, AWS_DEFAULT_REGION,
AWS_ENDPOINT_URL, …) and signs an address for GetObject. The object is then fetched like a file of a web server, with
the same deadline, proxies and CA.

Without s3:ListBucket a missing key answers 403 as if it were denied, so both count as FORBIDDEN.
Source: the Amazon S3 API Reference, GetObject and "Error responses".
"""

import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError

from movepass_verifier.errors import SyncError
from movepass_verifier.sync.sources.medium import FORBIDDEN, NOT_FOUND
from movepass_verifier.sync.sources.web import Connections

_SIGNED_SECONDS = 900
"""How long an address is valid. S3 tolerates a clock that is ahead by this much; this tolerates one that is behind."""
_ERROR_MAX_BYTES = 4096
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,64})</Code>")
_REGION = re.compile(rb"<Region>([a-z0-9-]{1,64})</Region>")
_NAMED_REGION = "x-amz-bucket-region"
_ELSEWHERE = {
    "PermanentRedirect",
    "TemporaryRedirect",
    "AuthorizationHeaderMalformed",
    "AuthorizationQueryParametersError",
}
_BAD_KEYS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"}


class Bucket:
    """A bucket, or a prefix in it, that holds a repository."""

    def __init__(self, name: str, *, ca: Path | None = None) -> None:
        """Use s3://BUCKET/PREFIX, and the file of further CA certificates to trust.

        Raises:
            SyncError: the [s3] extra, the credentials or the region are missing.
        """
        parts = urlsplit(name)
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._sign = _signer()
        self._connections = Connections(self._address("metadata"), ca=ca)

    def open(self, name: str, start: int) -> tuple[int, Generator[bytes]]:
        """Open an object; see Medium."""
        return self._connections.get(self._address(name), name, start, lambda response: self._explain(response, name))

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}".lstrip("/")

    def _address(self, name: str) -> str:
        return self._sign(self._bucket, self._key(name))

    def _explain(self, response: urllib3.BaseHTTPResponse, name: str) -> DownloadError | None:
        """Explain an error answer of S3; None if S3 gave no reason."""
        body = response.read(_ERROR_MAX_BYTES, decode_content=False)
        found = _CODE.search(body)
        code = found[1].decode() if found else ""
        if b"<ServerTime>" in body:  # an address that was signed just now has expired, or is not valid yet
            code = "RequestTimeTooSkewed"
        error: DownloadError | None = DownloadHTTPError(f"{name}: {code}", response.status) if code else None
        match code:
            case "NoSuchKey":
                error = DownloadHTTPError(f"there is no {name} in {self._bucket}", NOT_FOUND)
            case "NoSuchBucket":
                error = DownloadError(f"there is no bucket {self._bucket}")
            case "RequestTimeTooSkewed":
                error = DownloadError("S3 says that this device's clock is wrong; set it")
            case _ if code in _BAD_KEYS:
                error = DownloadError(f"S3 does not take this device's credentials ({code})")
            case _ if code in _ELSEWHERE:
                region = _REGION.search(body)
                where = response.headers.get(_NAMED_REGION, region[1].decode() if region else "another region")
                error = DownloadError(f"the bucket {self._bucket} is in {where}; name it with AWS_DEFAULT_REGION")
            case _ if response.status == FORBIDDEN:
                error = DownloadHTTPError(
                    f"{name} is not there, or not for this device to read ({code or 'HTTP 403'}): its credentials "
                    f"need s3:GetObject on arn:aws:s3:::{self._bucket}/{self._key('*')}",
                    FORBIDDEN,
                )
        return error


def _signer() -> Callable[[str, str], str]:
    """Return a function that turns bucket and key into a signed address."""
    try:
        import botocore.session  # noqa: PLC0415 - an extra, and slow to import
        from botocore import exceptions  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415
    except ImportError as e:
        raise SyncError("s3: needs the [s3] extra: pip install 'movepass[s3]'") from e
    no_credentials = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.ProfileNotFound,
    )
    try:
        client: Any = botocore.session.get_session().create_client("s3", config=Config(signature_version="s3v4"))
    except Exception as e:
        raise _set_up_error(e) from e

    def sign(bucket: str, key: str) -> str:
        try:
            wanted = {"Bucket": bucket, "Key": key}
            return str(client.generate_presigned_url("get_object", wanted, ExpiresIn=_SIGNED_SECONDS))
        except no_credentials as e:
            raise SyncError(
                f"s3: {e}; give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE. A bucket that everybody "
                "may read is a source by its https:// address"
            ) from e
        except Exception as e:
            raise _set_up_error(e) from e

    return sign


def _set_up_error(error: Exception) -> SyncError:
    """Say that AWS's credentials or configuration can't be used; the next source may not need them."""
    what = str(error) if type(error).__module__.startswith("botocore") else f"{type(error).__name__}: {error}"
    return SyncError(f"s3: {what}; look at AWS's credentials and configuration on this machine (AWS_PROFILE, ~/.aws)")
