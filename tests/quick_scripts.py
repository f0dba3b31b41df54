"""Run Python scripts without the seconds that Python takes to start and to import libraries.

`ScriptServer` starts a process that has imported the libraries of the workflow, but none of its own
modules, and runs each script in a fork of itself. As a program, this file replaces `python`:
`python -IS quick_scripts.py SOCKET SCRIPT` lets the server run a script with its own streams,
folder and environment, and exits with the status of the script.
"""

import os
import socket
import sys

STREAMS = (0, 1, 2)
THREADS = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"
"""Snakemake sets these to the number of threads of a job. Libraries read them when they are
imported. In the server they are 1; a script with more threads runs in a new Python process."""
LIBRARIES = [
    "h5py",
    "hmmlearn.hmm",
    "jinja2",
    "matplotlib.animation",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "movement.io",
    "netCDF4",
    "numpy",
    "pandas",
    "pynwb",
    "safetensors.torch",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.signal",
    "scipy.stats",
    "sklearn.cluster",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "snakemake.script",
    "tables",
    "tensorboardX",
    "torch",
    "tqdm",
    "xarray",
    "yaml",
]
"""Most of what scripts import. A library that is not listed is imported by each script."""


class ScriptServer:
    """The process that runs scripts, and its socket. It ends with the process that started it."""

    def __init__(self, folder: str) -> None:
        import subprocess  # here and below: the command line does not need it, and starts faster

        self.socket = os.path.join(folder, "scripts")
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(self.socket)
        listening.listen()
        self._lifeline = os.pipe()  # its end tells the server that this process has ended
        command = [sys.executable, __file__, str(listening.fileno()), str(self._lifeline[0])]
        subprocess.Popen(
            command,
            pass_fds=[listening.fileno(), self._lifeline[0]],
            env={**os.environ, **dict.fromkeys(THREADS, "1"), "MPLBACKEND": "Agg"},
        )

    def command(self) -> str:
        """Return the command line that replaces `python`."""
        return f"{sys.executable} -IS {__file__} {self.socket}"


def ask(place: str, script: str) -> int:
    """Let the server at a socket run a script, and return its exit status."""
    if any(os.environ.get(name) != "1" for name in THREADS):
        os.execv(sys.executable, [sys.executable, script])
    request = "\0".join([script, os.getcwd(), *(f"{k}={v}" for k, v in os.environ.items())])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        socket.send_fds(connection, [b"."], STREAMS)
        connection.sendall(request.encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1)
    return answer[0] if answer else 1  # a script that was killed sends no answer


def run(connection: socket.socket) -> None:
    """Run the script that a connection asks for in this process."""
    import runpy
    import traceback

    streams = socket.recv_fds(connection, 1, len(STREAMS))[1]
    with connection.makefile("rb") as request:
        script, folder, *environment = request.read().decode().split("\0")
    for given, stream in zip(streams, STREAMS, strict=True):
        os.dup2(given, stream)
        os.close(given)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(pair.split("=", 1) for pair in environment)
    sys.argv, sys.path[0] = [script], os.path.dirname(script)
    status = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send(bytes([status & 255]))


def serve(listening: socket.socket, lifeline: int) -> None:
    import gc
    import importlib
    import select
    import signal
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in LIBRARIES:
            importlib.import_module(library)
    gc.freeze()  # the garbage collector would copy shared memory
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies: nothing waits for the forks
    while lifeline not in select.select([listening, lifeline], [], [])[0]:
        connection, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            os.close(lifeline)
            try:
                run(connection)
            finally:
                os._exit(0)
        connection.close()


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
    else:
        sys.exit(ask(*sys.argv[1:]))
