"""One file per device family: bytes in, readings out."""
