"""What stands before the bucket: plays CloudFront, which ministack does not let read a bucket.

It reads as somebody who may do with the bucket what the bucket's policy lets CloudFront do, and nothing else.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

from support.ministack import Ministack

_PASSED_ON = {
    "ContentType": "Content-Type",
    "CacheControl": "Cache-Control",
    "ETag": "ETag",
    "ContentRange": "Content-Range",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, s3: Any, bucket: str, *args: Any) -> None:
        self._s3, self._bucket = s3, bucket
        super().__init__(*args)

    def do_GET(self) -> None:
        wanted = {"Range": self.headers["Range"]} if self.headers["Range"] else {}
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self.path.lstrip("/"), **wanted)
        except self._s3.exceptions.ClientError as e:
            self._answer(int(e.response["ResponseMetadata"]["HTTPStatusCode"]), b"", {})
            return
        headers = {header: answer[name] for name, header in _PASSED_ON.items() if name in answer}
        self._answer(int(answer["ResponseMetadata"]["HTTPStatusCode"]), answer["Body"].read(), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def before_bucket(ministack: Ministack, bucket: str) -> Iterator[str]:
    """Serve a bucket to devices, and yield the address."""
    objects = [f"arn:aws:s3:::{bucket}/{folder}/*" for folder in ("metadata", "targets")]
    key = ministack.user_of(
        {"s3:GetObject": objects, "s3:ListBucket": [f"arn:aws:s3:::{bucket}"]}, name=f"cdn-{bucket}"
    )
    s3 = boto3.client(
        "s3",
        endpoint_url=ministack.url,
        region_name=ministack.region,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, s3, bucket)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
