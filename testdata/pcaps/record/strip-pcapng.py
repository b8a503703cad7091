"""strip-pcapng removes what a pcapng file tells about the recording machine.

Options of the section header and interface blocks that name hardware,
operating system or program are dropped; all other bytes stay.

    strip-pcapng.py IN OUT
"""

import struct
import sys

SECTION, INTERFACE = 0x0A0D0D0A, 1
DROP = {
    SECTION: {2, 3, 4},  # shb_hardware, shb_os, shb_userappl
    INTERFACE: {3, 12, 15},  # if_description, if_os, if_hardware
}
FIXED = {SECTION: 16, INTERFACE: 8}


def strip(kind, body):
    """Return body, the bytes between the two lengths, without DROP."""
    at = FIXED[kind]
    out = body[:at]
    while at < len(body):
        code, size = struct.unpack_from("<HH", body, at)
        end = at + 4 + (size + 3 & ~3)
        if code not in DROP[kind]:
            out += body[at:end]
        at = end
    return out


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    at = 0
    with open(sys.argv[2], "wb") as f:
        while at < len(data):
            kind, size = struct.unpack_from("<II", data, at)
            body = data[at + 8:at + size - 4]
            if kind in DROP:
                body = strip(kind, body)
            size_field = struct.pack("<I", len(body) + 12)
            f.write(data[at:at + 4] + size_field + body + size_field)
            at += size


main()
