"""An issuing service that embeds the library: POST an approved pass to /passes, a revocation to /revocations.

    movepass init --authority my-authority
    python examples/issuing_service.py my-authority 8080
    curl --data @request.json http://127.0.0.1:8080/passes

Who may ask is for the gateway before it to say. The same request again has the same pass for an answer. One thread
answers here; several such processes on one machine may share the folder. For several machines keep the ledger in
DynamoDB (movepass init --ledger dynamodb:TABLE).
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from movepass_issuer import ApprovedPass, IssuerError, RequestError, UnknownPassError
from movepass_issuer.authority.folder import Authority
from movepass_issuer.issuing import answers
from movepass_issuer.issuing.approved import REQUEST_MAX_BYTES
from movepass_keys import KeysError

with Authority.open(Path(sys.argv[1])).issuer() as issuer:

    class Desk(BaseHTTPRequestHandler):
        """Answers one request."""

        def do_POST(self) -> None:
            """Issue or revoke."""
            body = self.rfile.read(min(int(self.headers["Content-Length"] or 0), REQUEST_MAX_BYTES + 1))
            try:
                if self.path == "/passes":
                    self.answer(200, answers.issued(issuer.issue(ApprovedPass.from_json(body))))
                elif self.path == "/revocations":
                    self.answer(200, answers.revoked(issuer.revoke(request_id=json.loads(body)["request_id"])))
                else:
                    self.answer(404, {"error": "expected /passes or /revocations"})
            except (RequestError, UnknownPassError, ValueError, KeyError, TypeError) as e:
                self.answer(422, {"error": str(e)})
            except (IssuerError, KeysError) as e:  # nothing is lost, and nothing issued twice: ask again
                self.answer(503, {"error": str(e)})

        def answer(self, status: int, document: dict[str, str]) -> None:
            """Write an answer as JSON."""
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    HTTPServer(("127.0.0.1", int(sys.argv[2])), Desk).serve_forever()
