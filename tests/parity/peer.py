"""Load the published VAME, the peer: unmodified `vame.model` modules of the wheel vame-py 0.14.4.

They import logging, schemas and TensorBoard, which the computations do not need and whose packages
need an older Python; small replacements are loaded instead.
"""

import hashlib
import importlib
import logging
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch

VERSION = "0.14.4"
WHEEL_SHA256 = "9f747cddb5dbef1a793672a0d7b53c81d3abe613166733a9fb9037929680a6c5"


def fetch(cache: Path) -> Path:
    """Return the folder of the unzipped wheel; pip downloads it on the first call.

    Raises
    ------
    OSError
        If it cannot be downloaded, or differs from the published file.
    """
    unzipped = cache / "unzipped"
    if not unzipped.is_dir():
        command = [sys.executable, "-m", "pip", "download", f"vame-py=={VERSION}"]
        command += ["--no-deps", "--ignore-requires-python", "--only-binary=:all:"]
        command += ["--quiet", "--retries=1", "--timeout=15", "--dest", str(cache)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise OSError(result.stderr.strip().splitlines()[-1])
        wheel = next(cache.glob("*.whl"))
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
            raise OSError(f"{wheel.name} is not the published one")
        partial = cache / "unzipped.part"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(partial)
        partial.rename(unzipped)
    return unzipped


def load(unzipped: Path) -> SimpleNamespace:
    """Return the peer's modules: rnn_vae, rnn_model and dataloader."""
    stand_ins = _replacements(unzipped / "vame")
    tensorboard = [name for name in stand_ins if name.startswith("torch.")]
    hidden = {name: sys.modules[name] for name in tensorboard if name in sys.modules}
    sys.modules.update(stand_ins)
    try:
        names = ("rnn_vae", "rnn_model", "dataloader")
        modules = {name: importlib.import_module(f"vame.model.{name}") for name in names}
    finally:
        # Remove the replacements of torch's modules, so that later imports load the real ones.
        for name in tensorboard:
            del sys.modules[name]
        sys.modules.update(hidden)
    return SimpleNamespace(**modules)


class _Silent:
    """An object whose methods do nothing."""

    def __init__(self, *_, **__) -> None:
        self.logger = logging.getLogger("vame")

    def __getattr__(self, name):
        return lambda *_, **__: None

    def write(self, text):
        return len(text)

    def flush(self):
        return None


def _replacements(package: Path) -> dict[str, ModuleType]:
    contents = {
        "vame.logging.logger": {"VameLogger": _Silent, "TqdmToLogger": _Silent},
        "vame.schemas.states": {
            "TrainModelFunctionSchema": None,
            "save_state": lambda model: lambda function: function,
        },
        "vame.util.auxiliary": {"get_device": lambda *_, **__: torch.device("cpu")},
        "torch.utils.tensorboard.writer": {"SummaryWriter": _Silent},
    }
    # Packages of the wheel whose __init__ would import everything.
    real = {"vame": package, "vame.model": package / "model", "vame.util": package / "util"}
    packages = [*real, "vame.logging", "vame.schemas", "torch.utils.tensorboard"]
    modules = {name: ModuleType(name) for name in [*packages, *contents]}
    for name in packages:
        modules[name].__path__ = [str(real[name])] if name in real else []
    for name, members in contents.items():
        vars(modules[name]).update(members)
    return modules
