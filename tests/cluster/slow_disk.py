"""A disk that several machines share, each of which learns late of what the others do.

Each machine is a mount namespace that sees a folder through a FUSE mount of its own. The kernel
keeps what it has looked up there, names that were not there among them, as a client of NFS does:
files come, go and are replaced unnoticed for SECONDS. Contents are current once a file is opened,
and locks are known to all, as with NFS. Outside of the machines, the folder is as the server has
it.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 30  # what NFS keeps of a folder by default, at least (acdirmin)


def missing() -> str:
    """Why there can be no such disk here; nothing where there can be one."""
    lacking = [name for name in ("bindfs", "nsenter", "unshare") if not shutil.which(name)]
    if lacking:
        return f"{', '.join(lacking)} not installed (Debian: bindfs, util-linux)"
    return "" if os.access("/dev/fuse", os.W_OK) else "there is no /dev/fuse to write to"


class Machine:
    """One that sees `disk` its own way."""

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
        """What runs a command on this machine."""
        return ["nsenter", f"--mount=/proc/{self._mount.pid}/ns/mnt", *command]

    def run(self, *command: str) -> str:
        """What a command prints there, errors included."""
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
