"""Which kind of file system a path lies on: SQLite's locks cannot be relied on over a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "9p", "afs", "ceph", "lustre", "glusterfs", "beegfs", "gpfs", "ocfs2", "davfs"}
)
"""Types of Linux that reach over a network, or behave as if they did."""

_FUSE: Final = re.compile(r"fuse\.(sshfs|s3fs|glusterfs|ceph|davfs2?|rclone|gcsfuse|smbnetfs|juicefs|beegfs)")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


def filesystem_of(path: Path, mountinfo: str | None = None) -> str | None:
    """The type of the file system that holds `path`, such as `ext4`; None where the system does not say.

    `mountinfo`: the text of `/proc/self/mountinfo` (the default).
    """
    if mountinfo is None:
        try:
            mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
    wanted = path.absolute()
    found: tuple[int, str] | None = None
    for each in mountinfo.splitlines():
        before, dash, after = each.partition(" - ")
        fields = before.split(" ")
        if not dash or len(fields) < 5:
            continue
        mounted = Path(_ESCAPED.sub(lambda code: chr(int(code.group(1), 8)), fields[4]))
        if wanted == mounted or mounted in wanted.parents:
            # Of two mounts on one folder the later one is seen.
            depth = len(mounted.parts)
            if found is None or depth >= found[0]:
                found = depth, after.split(" ")[0]
    return None if found is None else found[1]


def over_a_network(kind: str) -> bool:
    """Whether a file system of this type lies on another machine."""
    return kind in NETWORK or _FUSE.fullmatch(kind) is not None
