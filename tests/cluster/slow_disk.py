"""A disk that several machines share, and on which changes by other machines are visible late.

Each machine is a mount namespace that sees a folder through its own FUSE mount. The kernel caches
names that were looked up, also those that did not exist, as a client of NFS does: new, removed and
replaced files are not noticed for SECONDS. Contents are current when a file is opened, and locks
are valid on all machines, as with NFS. Outside of the machines, the folder is that of the server.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 30  # the default of NFS for a folder, at least (acdirmin)


def missing() -> str:
    """Return why such a disk is not possible here, or an empty text."""
    lacking = [name for name in ("bindfs", "nsenter", "unshare") if not shutil.which(name)]
    if lacking:
        return f"{', '.join(lacking)} not installed (Debian: bindfs, util-linux)"
    return "" if os.access("/dev/fuse", os.W_OK) else "there is no /dev/fuse to write to"


class Machine:
    """A machine with its own view of `disk`."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk
        kept = f"entry_timeout={SECONDS},negative_timeout={SECONDS},attr_timeout=0,nonempty"
        options = ["-f", "--multithreaded", "--enable-lock-forwarding", "-o", kept]
        self._mount = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "bindfs", *options, disk, disk]
        )
        deadline = time.monotonic() + 30
        while "fuse" not in self.run("stat", "--file-system", "--format", "%T", str(disk)):
            assert time.monotonic() < deadline, "bindfs has not mounted the disk"
            time.sleep(0.1)

    def command(self, *command: str) -> list[str]:
        """Return the command that runs a command on this machine."""
        return ["nsenter", f"--mount=/proc/{self._mount.pid}/ns/mnt", *command]

    def run(self, *command: str) -> str:
        """Run a command on this machine; return its output, errors included."""
        result = subprocess.run(
            self.command(*command), check=False, capture_output=True, text=True, timeout=300
        )
        return result.stdout + result.stderr

    def python(self, code: str, *arguments: str) -> str:
        return self.run(sys.executable, "-c", code, *arguments)

    def sees(self, path: Path) -> bool:
        return "No such file" not in self.run("stat", str(path))

    def end(self) -> None:
        self._mount.terminate()
        self._mount.wait()
