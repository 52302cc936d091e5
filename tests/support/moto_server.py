"""moto's S3 alone, on loopback: `python -m tests.support.moto_server PORT`; it logs each request.

The program that comes with moto finds out anew for each request which of a hundred services it is for, and
opens a connection and a thread for each, which takes longer than the answer.
"""

import logging
import sys
from collections.abc import Iterable
from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app
from waitress import serve

_APP = create_backend_app("s3")


def _answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    query = environ["QUERY_STRING"]
    asked = f"{environ['PATH_INFO']}?{query}" if query else environ["PATH_INFO"]
    sys.stderr.write(f'"{environ["REQUEST_METHOD"]} {asked} {environ["SERVER_PROTOCOL"]}"\n')
    answered: Iterable[bytes] = _APP(environ, start_response)
    return answered


if __name__ == "__main__":
    logging.basicConfig()
    # That requests wait for each other is what two cores are.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    # A client keeps a connection for each of its requests at a time.
    many = {"threads": 8, "connection_limit": 2000, "asyncore_use_poll": True}
    serve(_answer, host="127.0.0.1", port=int(sys.argv[1]), **many)
