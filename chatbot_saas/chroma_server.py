"""`chroma run FILE`, without the library for clients that the command `chroma` loads first.

The server is written in Rust and lies in a package of its own; the library took 53 MB beside it.
"""

from __future__ import annotations

import sys

import chromadb_rust_bindings


def main() -> None:
    chromadb_rust_bindings.cli(["chroma", *sys.argv[1:]])


if __name__ == "__main__":
    main()
