"""`python -m faena.helper DESCRIPTOR FOLDER`: serve those who connect to the socket, and leave with the last of them.

DESCRIPTOR: of the socket, which listens already. FOLDER: where it lies; it is removed at the end.
"""

from __future__ import annotations

import socket
import sys

from faena.helper import serving


def main() -> None:
    descriptor, folder = int(sys.argv[1]), sys.argv[2]
    sys.argv = [""]
    serving.serve(socket.socket(fileno=descriptor), folder)


if __name__ == "__main__":
    main()
