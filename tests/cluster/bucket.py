"""A bucket on this machine: an S3 server, and Snakemake with the plugin for it."""

import os
import signal
import socket
import subprocess
import sysconfig
import time
import tomllib
import urllib.request
import venv
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

from projects import ROOT, Project

NAME = "lab"
ANYTHING = {"ACCESS_KEY": "key", "SECRET_KEY": "secret"}  # the server accepts any
HEADERS = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=key/20300101/us-east-1/s3/aws4_request",
    "Content-Type": "application/octet-stream",
}
SERVER = ["moto[s3]>=5,<6", "flask", "flask-cors"]


def make_python(folder: Path) -> Path:
    """Install a Python with this one's packages, and before them the plugin and its dependencies.

    The plugin needs an older python-dateutil than other packages do.

    Raises
    ------
    subprocess.CalledProcessError
        If pip cannot fetch them.
    """
    venv.create(folder, with_pip=True)
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    others = (each for each in metadata.distributions() if each.name != "python-dateutil")
    versions = folder / "versions.txt"
    versions.write_text("".join(f"{each.name}=={each.version}\n" for each in others))
    subprocess.run(
        [folder / "bin/pip", "install", "--quiet", "-c", versions, *groups["storage"], *SERVER],
        check=True,
        capture_output=True,
        text=True,
    )
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "others.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin/python"


class Bucket:
    """A bucket of the server, and Snakemake with access to it."""

    def __init__(self, python: Path) -> None:
        self.python = python
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.environment = {"SNAKEMAKE_STORAGE_S3_ENDPOINT_URL": self.address} | {
            f"SNAKEMAKE_STORAGE_S3_{name}": value for name, value in ANYTHING.items()
        }
        self._server = subprocess.Popen(
            [python, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._create()

    def _create(self) -> None:
        """Create the bucket as soon as the server answers."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self._ask("", method="PUT")
                return
            except OSError:
                assert self._server.poll() is None, "the S3 server has ended"
                assert time.monotonic() < deadline, "the S3 server does not answer"
                time.sleep(0.1)

    def close(self) -> None:
        self._server.send_signal(signal.SIGKILL)
        self._server.wait()

    def _ask(self, path: str, **how) -> bytes:
        request = urllib.request.Request(f"{self.address}/{NAME}{path}", headers=HEADERS, **how)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def put(self, file: Path, key: str) -> None:
        self._ask(f"/{key}", method="PUT", data=file.read_bytes())

    def keys(self, prefix: str) -> list[str]:
        listing = ElementTree.fromstring(self._ask(f"?prefix={prefix}&max-keys=100000"))
        keys = [each.text for each in listing.findall("{*}Contents/{*}Key")]
        assert listing.findtext("{*}IsTruncated") == "false"
        return keys

    def fetch(self, prefix: str, folder: Path) -> Project:
        """Download everything below the prefix into a folder, as a project."""
        for key in self.keys(f"{prefix}/"):
            path = folder / key.removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._ask(f"/{key}"))
        return Project(folder)

    def command(self, project: Project, prefix: str, *arguments: str) -> list[str]:
        """Return a command like `Project.command`, with results in the bucket."""
        storage = ["--default-storage-provider", "s3"]
        storage += ["--default-storage-prefix", f"s3://{NAME}/{prefix}"]
        return [str(self.python), *project.command()[1:], *storage, *arguments]

    def run(self, command: list[str], *, folder: Path = ROOT, check: bool = True) -> str:
        result = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | self.environment,
        )
        printed = result.stdout + result.stderr
        assert (result.returncode == 0) == check, printed
        return printed
