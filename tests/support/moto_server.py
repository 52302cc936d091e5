"""moto's S3 alone, on loopback: `python -m tests.support.moto_server PORT`.

The program that comes with moto finds out anew for each request which of a hundred services it is for, which
takes longer than the answer.
"""

import logging
import sys

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

if __name__ == "__main__":
    logging.basicConfig()
    run_simple(
        "127.0.0.1",
        int(sys.argv[1]),
        create_backend_app("s3"),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
